// Elements. All text goes into the page as text, never as HTML.

export const $ = (id) => document.getElementById(id);

// el makes an element. Properties that it doesn't have by that name are set as attributes.
export function el(tag, properties = {}, ...children) {
  return fill(document.createElement(tag), properties, children);
}

// svg is el for SVG, where all properties are attributes.
export function svg(tag, attributes = {}, ...children) {
  const e = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) {
    e.setAttribute(name, value);
  }
  e.append(...children);
  return e;
}

function fill(e, properties, children) {
  for (const [name, value] of Object.entries(properties)) {
    if (name in e) {
      e[name] = value;
    } else {
      e.setAttribute(name, value);
    }
  }
  e.append(...children);
  return e;
}

// show sets an element's text, if that has changed: what is selected stays selected.
export function show(e, text) {
  if (e.textContent !== text) {
    e.textContent = text;
  }
}

// table makes a table with a caption for those who can't see what it stands below. Columns are
// names; those that begin with "#" have numbers. Cells are texts or elements.
export function table(caption, columns, rows, properties = {}) {
  const numeric = columns.map((c) => c.startsWith("#"));
  const head = columns.map((c, i) =>
    el("th", { scope: "col", className: numeric[i] ? "n" : "" }, c.replace("#", "")),
  );
  const body = rows.map((cells) =>
    el(
      "tr",
      {},
      ...cells.map((cell, i) =>
        i === 0
          ? el("th", { scope: "row" }, cell)
          : el("td", { className: numeric[i] ? "n" : "" }, cell),
      ),
    ),
  );
  return el(
    "table",
    properties,
    el("caption", { className: "unseen" }, caption),
    el("thead", {}, el("tr", {}, ...head)),
    el("tbody", {}, ...body),
  );
}

// swatch is the colour that something has in a chart.
export const swatch = (name) => el("span", { className: "swatch c-" + name, ariaHidden: "true" });

// empty says that there is nothing to show, and what would change that.
export const empty = (title, ...text) =>
  el(
    "div",
    { className: "empty" },
    el("p", { className: "empty-title" }, title),
    el("p", {}, ...text),
  );
