// A chart by uPlot, with its newest figures beside it and the same as a table: the drawing alone says nothing to a screen reader.

import { element, say } from "./dom.mjs";
import { clock } from "./format.mjs";
import { thinned } from "./model.mjs";

/* global uPlot */

const HEIGHT = 240;
const TABLE_ROWS = 24;
const LINES = [
  { colour: "--first", dash: [] },
  { colour: "--second", dash: [8, 4] },
  { colour: "--third", dash: [2, 3] },
];

export class Chart {
  #plot;
  #place = element("div", { class: "plot", "aria-hidden": "true" });
  #keys;
  #empty = element("p", { hidden: "" }, "No data in this time range.");
  #table;
  #names;
  #form;
  #data;
  #day = false;

  /** Into `figure`, lines of these names, figures written by `form`. */
  constructor(figure, title, names, form) {
    [this.#names, this.#form] = [names, form];
    this.#keys = names.map((name) => element("li", {}, `${name}: –`));
    const heads = ["Time", ...names].map((name, index) => element("th", { scope: "col", class: index ? "number" : undefined }, name));
    this.#table = element("table", {}, element("caption", {}, title), element("thead", {}, element("tr", {}, ...heads)), element("tbody"));
    const scroll = element("div", { class: "scroll", role: "region", "aria-label": `${title}, as a table`, tabindex: "0" }, this.#table);
    const details = element("details", {}, element("summary", {}, `${title} as a table`), scroll);
    details.addEventListener("toggle", () => this.#tabulate());
    figure.append(element("figcaption", {}, element("h3", {}, title)), element("ul", { class: "keys" }, ...this.#keys), this.#empty, this.#place, details);
    new ResizeObserver(() => this.#plot?.setSize(this.#size())).observe(this.#place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#draw());
  }

  /** Shows times with a list of values a line (`model.aligned`); with days on its axis when `day`. */
  show(data, day) {
    const same = this.#plot && day === this.#day && this.#data?.length === data.length;
    [this.#data, this.#day] = [data, day];
    const empty = data.slice(1).every((values) => values.every((value) => value === null));
    this.#empty.hidden = !empty;
    this.#place.hidden = empty;
    if (same) this.#plot.setData(data);
    else this.#draw();
    this.#tell(null);
    this.#tabulate();
  }

  #size() {
    return { width: Math.max(200, this.#place.clientWidth), height: HEIGHT };
  }

  #draw() {
    this.#plot?.destroy();
    if (!this.#data) return;
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour("--faint"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line") } };
    const lines = this.#names.map((name, index) => ({ label: name, stroke: colour(LINES[index].colour), dash: LINES[index].dash, width: 2, points: { show: false } }));
    const options = {
      ...this.#size(),
      legend: { show: false },
      cursor: { drag: { x: false, y: false }, y: false },
      scales: { y: { range: (_, least, most) => [0, most > 0 ? most * 1.1 : 1] } },
      series: [{}, ...lines],
      axes: [
        { ...axis, space: this.#day ? 110 : 60, values: (_, marks) => marks.map((at) => clock(at, { day: this.#day })) },
        { ...axis, size: 72, values: (_, marks) => marks.map((value) => this.#form(value)) },
      ],
      hooks: { setCursor: [(plot) => this.#tell(plot.cursor.idx ?? null)] },
    };
    this.#plot = new uPlot(options, this.#data, this.#place);
  }

  /** The figures under the pointer beside the lines' names, else the newest. */
  #tell(index) {
    this.#names.forEach((name, line) => {
      const values = this.#data[line + 1];
      const value = index === null ? values.findLast((each) => each !== null) : values[index];
      const when = index === null ? "" : ` at ${clock(this.#data[0][index], { day: this.#day })}`;
      say(this.#keys[line], `${name}: ${this.#form(value ?? undefined)}${when}`);
    });
  }

  #tabulate() {
    if (!this.#table.closest("details").open || !this.#data) return;
    const rows = thinned(this.#data, TABLE_ROWS).map(([at, ...values]) =>
      element("tr", {}, element("th", { scope: "row" }, clock(at, { day: this.#day })), ...values.map((value) => element("td", { class: "number" }, this.#form(value ?? undefined)))),
    );
    this.#table.tBodies[0].replaceChildren(...rows);
  }
}
