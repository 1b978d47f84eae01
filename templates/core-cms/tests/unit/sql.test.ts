import { describe, expect, it } from "vitest";
import { lineOf, statements } from "@/lib/sql";

const texts = (sql: string) => statements(sql).map(({ text }) => text);

describe("an SQL file is taken apart as Postgres does", () => {
  it.each([
    ["at semicolons", "SELECT 1; SELECT 2;\n", ["SELECT 1", "SELECT 2"]],
    [
      "not within strings",
      "SELECT ';''; ' || E'\\'; '; SELECT 2",
      ["SELECT ';''; ' || E'\\'; '", "SELECT 2"],
    ],
    ["not within names", 'SELECT "a;""b"; SELECT 2', ['SELECT "a;""b"', "SELECT 2"]],
    [
      "not within dollar quotes",
      "DO $x$ BEGIN; $$;$$ END $x$; SELECT $1",
      ["DO $x$ BEGIN; $$;$$ END $x$", "SELECT $1"],
    ],
    ["not at a dollar of a name", "SELECT a$b$c; SELECT 2", ["SELECT a$b$c", "SELECT 2"]],
    ["not within comments", "-- a; b\nSELECT 1 /* ; /* ; */ ; */ + 1;", ["SELECT 1 /* ; /* ; */ ; */ + 1"]],
    [
      "not within a function's body",
      "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END; SELECT 3",
      [
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT CASE WHEN true THEN 1 END; SELECT 2; END",
        "SELECT 3",
      ],
    ],
    ["into nothing where there is nothing", " -- only\n/* words */ ;;", []],
  ])("%s", (_, sql, expected) => {
    expect(texts(sql)).toEqual(expected);
  });

  it("and each statement knows its line", () => {
    const sql = "SELECT 1;\n-- two\n\nSELECT 2;";
    expect(statements(sql).map(({ offset }) => lineOf(sql, offset))).toEqual([1, 4]);
  });
});
