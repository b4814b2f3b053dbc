// The right-hand card: tabs, of which one is open.

class Right {
  constructor(store, tabs) { // tabs: [[name, panel], ...], a panel has `el` and may have `title()`, `opened()` and `closed()`
    this.store = store
    this.tabs = tabs
    this.at = 0
    this.bar = h("nav", {class: "tabs", role: "tablist"})
    this.el = h("aside", {class: "right"}, h("section", {class: "card"}, this.bar, tabs.map(([, panel]) => panel.el)))
    this.render()
  }

  open(name) {
    this.at = this.tabs.findIndex(([known]) => known === name)
    this.render()
  }

  render() {
    keepingFocus(this.bar, () => fill(this.bar, this.tabs.map(([name, panel], place) =>
      button(panel.title?.() || name, () => this.open(name), {role: "tab", "aria-selected": String(place === this.at), "data-key": `tab-${name}`}))))
    this.bar.hidden = this.tabs.length < 2
    this.tabs.forEach(([, panel], place) => {
      panel.el.hidden = place !== this.at
      if (place !== this.at) panel.closed?.()
    })
    this.tabs[this.at]?.[1].opened?.()
  }
}
