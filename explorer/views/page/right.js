// The right-hand card: tabs, of which one is open.

class Right {
  constructor(store, tabs) { // tabs: [[name, panel], ...], a panel has `el` and may have `title()`, `opened()` and `closed()`
    this.store = store
    this.tabs = tabs
    this.at = 0
    this.bar = h("div", {class: "tabs", role: "tablist", "aria-label": "what is beside the map", onkeydown: (event) => this.onKey(event)})
    this.el = h("aside", {class: "right", "aria-label": "beside the map"}, h("section", {class: "card"}, this.bar, tabs.map(([, panel]) => panel.el)))
    for (const [name, panel] of tabs) {
      for (const [attribute, value] of [["role", "tabpanel"], ["id", `panel-${name}`], ["aria-labelledby", `tab-${name}`]]) panel.el.setAttribute(attribute, value)
      panel.el.removeAttribute("aria-label")
    }
    this.render()
  }

  open(name) {
    this.at = this.tabs.findIndex(([known]) => known === name)
    this.render()
  }

  onKey(event) {
    const place = arrowTo(event.key, this.at, this.tabs.length)
    if (place === null) return
    event.preventDefault()
    event.stopPropagation()
    this.open(this.tabs[place][0])
    this.bar.children[place].focus()
  }

  render() {
    keepingFocus(this.bar, () => fill(this.bar, this.tabs.map(([name, panel], place) =>
      button(panel.title?.() || name, () => this.open(name), {role: "tab", id: `tab-${name}`, "aria-selected": String(place === this.at), "aria-controls": `panel-${name}`, tabindex: place === this.at ? 0 : -1, "data-key": `tab-${name}`}))))
    this.bar.hidden = this.tabs.length < 2
    this.tabs.forEach(([, panel], place) => {
      panel.el.hidden = place !== this.at
      if (place !== this.at) panel.closed?.()
    })
    this.tabs[this.at]?.[1].opened?.()
  }
}
