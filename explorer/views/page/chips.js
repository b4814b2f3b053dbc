// What is filtered away, said in one thin row: every filter, and what the legend hides, each to be taken away.

class Chips {
  constructor(store) {
    this.store = store
    this.el = h("div", {class: "filters", role: "group", "aria-label": "filters", hidden: true})
    store.on("filters", () => this.render())
  }

  render() {
    const filters = this.store.get("filters")
    this.el.hidden = !filters.length
    keepingFocus(this.el, () => fill(this.el,
      h("span", {class: "muted"}, "Filters"),
      h("span", {class: "row-of"}, filters.map((filter) => this.chip(filter))),
      button("Clear all", () => this.store.send({verb: "unfilter_all"}), {class: "small", "data-key": "clear-all"})))
  }

  chip({key, name, text}) {
    const remove = () => this.store.send(key === null ? {verb: "show_all"} : {verb: "unfilter", column: key})
    return h("span", {class: "chip filter"}, h("span", {class: "text", title: `${name}: ${text}`}, h("span", {class: "muted"}, `${name || "(empty)"} `), text),
      button("×", remove, {class: "small", "aria-label": `remove the filter on ${name}`, "data-key": `filter-${key}`}))
  }
}
