// What the map is coloured by, with a count for every entry: selected, and all. Click to solo, the eye to hide.

class Legend {
  constructor(store) {
    this.store = store
    this.el = h("section", {class: "card legend", "aria-label": "colour"})
    store.on("color", () => keepingFocus(this.el, () => this.render()))
  }

  render() {
    const color = this.store.get("color")
    const choose = h("select", {class: "method", "aria-label": "colour by", "data-key": "color-by",
      onchange: (event) => this.store.send({verb: "color", by: event.target.value})},
    color.choices.map((choice) => h("option", {value: choice.value}, choice.name)))
    choose.value = color.by
    const body = color.kind === "number" ? this.scale(color) : color.kind === "category" ? this.entries(color) : []
    const scroll = this.el.querySelector(".entries")?.scrollTop || 0
    fill(this.el, h("header", {}, h("h2", {}, "Colour by"), choose), body)
    const list = this.el.querySelector(".entries")
    if (list) list.scrollTop = scroll
  }

  entries(color) {
    const anyHidden = color.entries.some((entry) => entry.hidden)
    const rows = color.entries.map((entry) => {
      const solo = () => this.store.send({verb: "solo", name: entry.name})
      const hide = () => this.store.send({verb: "hide", name: entry.name})
      return h("li", {class: entry.hidden ? "hidden" : ""},
        h("button", {type: "button", class: "entry", onclick: solo, title: "Show only this one", "data-key": `solo-${entry.name}`},
          h("i", {class: "dot", style: {background: entry.color}}),
          h("span", {class: "name"}, entry.name === "" ? "(empty)" : entry.name),
          h("span", {class: "chosen"}, entry.selected ? number(entry.selected) : ""),
          h("span", {class: "count"}, number(entry.all))),
        h("span", {class: "acts"},
          entry.hidden ? null : button("select", () => this.store.send({verb: "select_entry", name: entry.name}), {class: "eye", "aria-label": `select ${entry.name}`, "data-key": `select-${entry.name}`}),
          button(entry.hidden ? "show" : "hide", hide, {class: "eye", "aria-label": `${entry.hidden ? "show" : "hide"} ${entry.name}`, "data-key": `hide-${entry.name}`})))
    })
    return [h("ul", {class: "entries"}, rows),
      h("footer", {}, h("span", {class: "muted grow"}, "selected / all · click to solo"),
        anyHidden ? button("Show all", () => this.store.send({verb: "show_all"}), {"data-key": "show-all"}) : null)]
  }

  scale(color) {
    const gradient = `linear-gradient(to right, ${color.scale.join(", ")})`
    return [h("div", {class: "ramp", style: {background: gradient}}),
      h("div", {class: "ends"}, h("span", {}, color.ends[0]), h("span", {}, color.ends[1])),
      color.missing ? h("p", {class: "muted"}, `${number(color.missing)} without a value, grey`) : null,
      h("p", {class: "muted"}, "a pixel shows the mean of its items")]
  }
}
