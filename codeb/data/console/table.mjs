// The table of projects: rows stay what they are while figures change, so focus and selection do, too.

import { element, say, siteOf } from "./dom.mjs";
import * as words from "./format.mjs";
import { ordered } from "./model.mjs";

/** Key, head, what a cell says; `worst` is the way in which a first press sorts. */
const COLUMNS = [
  { key: "project", head: "Project" },
  { key: "state", head: "State" },
  { key: "rate", head: "Requests", say: words.rate, descending: true },
  { key: "errors", head: "Errors", say: words.percent, descending: true },
  { key: "p95", head: "p95", say: words.duration, descending: true },
  { key: "memory", head: "Memory", say: words.bytes, descending: true },
  { key: "cpu", head: "CPU cores", say: words.cores, descending: true },
  { key: "release", head: "Release", say: (text) => text || words.NOTHING },
];
const NUMBERS = new Set(["rate", "errors", "p95", "memory", "cpu"]);

/** Draws into `table`; `sorted(key, descending)` is called when a head is pressed. */
export class ProjectTable {
  #body;
  #heads = new Map();
  #rows = new Map();

  constructor(table, sorted) {
    this.#body = table.tBodies[0];
    for (const column of COLUMNS) {
      const button = element("button", { type: "button" }, column.head);
      const head = element("th", { scope: "col", class: classOf(column.key) }, button);
      button.addEventListener("click", () => {
        const again = head.getAttribute("aria-sort");
        sorted(column.key, again ? again === "ascending" : Boolean(column.descending));
      });
      this.#heads.set(column.key, head);
      table.tHead.rows[0].append(head);
    }
  }

  /** Shows these rows in this order. */
  show(rows, { sort, descending }) {
    for (const [key, head] of this.#heads) {
      if (key === sort) head.setAttribute("aria-sort", descending ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    const focused = document.activeElement;
    this.#arrange(ordered(rows, sort, descending));
    if (focused !== document.activeElement && this.#body.contains(focused)) focused.focus({ preventScroll: true });
  }

  #arrange(rows) {
    const shown = new Set(rows.map((row) => row.project));
    for (const [project, line] of this.#rows) {
      if (!shown.has(project)) {
        line.remove();
        this.#rows.delete(project);
      }
    }
    rows.forEach((row, index) => {
      const line = this.#line(row);
      if (this.#body.rows[index] !== line) this.#body.insertBefore(line, this.#body.rows[index] ?? null);
    });
  }

  #line(row) {
    let line = this.#rows.get(row.project);
    if (!line) {
      line = element("tr", {}, element("th", { scope: "row" }, row.project), ...COLUMNS.slice(1).map(({ key }) => element("td", { class: classOf(key) })));
      this.#rows.set(row.project, line);
    }
    link(line.cells[0], row.domain);
    COLUMNS.slice(1).forEach((column, index) => {
      const cell = line.cells[index + 1];
      if (column.key === "state") state(cell, row.state);
      else say(cell, column.say(row[column.key]));
    });
    return line;
  }
}

function classOf(key) {
  return NUMBERS.has(key) ? "number" : undefined;
}

function state(cell, name) {
  if (cell.textContent === name) return;
  cell.replaceChildren(element("span", { class: `state ${name}` }, name));
}

function link(cell, domain) {
  const before = cell.querySelector(".domain");
  if ((before?.textContent ?? "") === domain) return;
  before?.remove();
  const href = siteOf(domain);
  if (domain) cell.append(element(href ? "a" : "span", { class: "domain", href, rel: href && "noopener noreferrer" }, domain));
}
