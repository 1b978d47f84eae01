/** A statement of an SQL file and where it begins, counted in characters from 0. */
export interface Statement {
  text: string;
  offset: number;
}

/** What can't be taken apart at a semicolon: strings, names, dollar-quoted bodies, comments. Else: a word, or one character. */
const TOKEN = new RegExp(
  [
    String.raw`(?<comment>--[^\n]*)`,
    String.raw`(?<nested>/\*)`,
    String.raw`(?<quoted>[eE]'(?:[^'\\]|\\[\s\S]|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*")`,
    String.raw`(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)`,
    String.raw`(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)`,
    String.raw`(?<other>[\s\S])`,
  ].join("|"),
  "y",
);

/** Where the comment that begins at `start` ends: Postgres's comments nest. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g;
  marks.lastIndex = start;
  let depth = 0;
  for (let mark = marks.exec(sql); mark; mark = marks.exec(sql)) {
    depth += mark[0] === "/*" ? 1 : -1;
    if (depth === 0) return marks.lastIndex;
  }
  return sql.length;
}

/** Counts how deep in `BEGIN ATOMIC … END` bodies the words so far are; semicolons in there end no statement. */
function depthAfter(depth: number, word: string, before: string): number {
  if (word === "ATOMIC" && before === "BEGIN") return depth + 1;
  if (depth > 0 && word === "CASE") return depth + 1;
  return depth > 0 && word === "END" ? depth - 1 : depth;
}

class Splitter {
  readonly found: Statement[] = [];
  #start = -1;
  #depth = 0;
  #before = "";

  constructor(private readonly sql: string) {}

  /** Takes the token that ends before `end`; returns where the next begins. */
  take(groups: Record<string, string | undefined>, at: number, end: number): number {
    const { comment, nested, dollar, word, other } = groups;
    if (comment !== undefined) return end;
    if (nested) return endOfComment(this.sql, at);
    if (other?.trim() === "") return end;
    if (other === ";" && this.#depth === 0) {
      this.close(at);
      return end;
    }
    if (this.#start < 0) this.#start = at;
    if (word) {
      this.#depth = depthAfter(this.#depth, word.toUpperCase(), this.#before);
      this.#before = word.toUpperCase();
    }
    if (!dollar) return end;
    const close = this.sql.indexOf(dollar, end);
    return close < 0 ? this.sql.length : close + dollar.length;
  }

  close(end: number): void {
    if (this.#start >= 0) {
      this.found.push({ text: this.sql.slice(this.#start, end).trimEnd(), offset: this.#start });
    }
    this.#start = -1;
  }
}

/** The statements of an SQL file as Postgres takes them apart, without the comments before them. */
export function statements(sql: string): Statement[] {
  const splitter = new Splitter(sql);
  let at = 0;
  while (at < sql.length) {
    TOKEN.lastIndex = at;
    const groups = TOKEN.exec(sql)?.groups ?? {};
    at = splitter.take(groups, at, TOKEN.lastIndex);
  }
  splitter.close(sql.length);
  return splitter.found;
}

/** The line, from 1, of a character that is counted from 0. */
export const lineOf = (sql: string, offset: number): number => sql.slice(0, offset).split("\n").length;
