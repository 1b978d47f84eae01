// Elements out of text: nothing that comes from outside is ever read as markup or as an address of a script.

/** An element with attributes (`undefined` is left out) and children, texts among them. */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/** Sets a text only when it differs, so that nothing is selected anew or said again. */
export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Puts paragraphs into a box, which is away without any. */
export function paragraphs(box, texts) {
  const before = [...box.children].map((each) => each.textContent);
  if (before.length !== texts.length || before.some((text, index) => text !== texts[index])) {
    box.replaceChildren(...texts.map((text) => element("p", {}, text)));
  }
  box.hidden = texts.length === 0;
}

/** Makes a select's options what they should be: `[value, label]` each. */
export function choices(select, wanted) {
  const same = select.options.length === wanted.length && wanted.every(([value, label], index) => select.options[index].value === value && select.options[index].text === label);
  if (same) return;
  const chosen = select.value;
  select.replaceChildren(...wanted.map(([value, label]) => element("option", { value }, label)));
  select.value = chosen;
}

/** The address of a site, if the text is a host name; undefined else. */
export function siteOf(host) {
  return /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(host) ? `https://${host}/` : undefined;
}

/** An address that can be followed, if it is one of the web; undefined else. */
export function webAddress(text) {
  return /^https:\/\/[^\s"'<>]+$/.test(text) ? text : undefined;
}
