// The selection's menu: invert and grow it, save it under a name, select what was saved, and combine those by an expression.

class SelectionMenu {
  constructor(store, tools) {
    this.store = store
    this.tools = tools
    this.renaming = null
    this.open = button("Selection ▾", () => this.toggle(), {"aria-expanded": "false", title: "Save, invert, grow and combine selections", "data-key": "selection-menu"})
    this.panel = h("div", {class: "menu", role: "group", "aria-label": "selection", hidden: true}, this.verbs(), this.saving(), this.list(), this.expressing())
    this.el = h("span", {class: "has-menu"}, this.open, this.panel)
    this.panel.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); this.close(true) } })
    this.panel.addEventListener("focusout", ({relatedTarget}) => { if (relatedTarget && !this.el.contains(relatedTarget)) this.close(false) })
    store.on("saved selection", () => this.update())
  }

  verbs() {
    this.invert = button("Invert", () => this.store.send({verb: "invert"}), {title: "Select what is not selected (I)", "aria-keyshortcuts": "I"})
    this.steps = h("input", {type: "number", min: "1", max: "1000", step: "1", value: "10", "aria-label": "neighbours to grow by"})
    this.grow = button("Grow", () => this.store.send({verb: "grow", k: Math.max(1, Math.round(Number(this.steps.value)) || 1)}), {title: "Add each selected item's nearest neighbours in feature space"})
    return h("div", {class: "line"}, this.invert, h("span", {class: "grow"}), this.grow, "by", this.steps, "neighbours")
  }

  saving() {
    this.name = h("input", {type: "text", maxlength: "200", placeholder: "Save selection as…", "aria-label": "name to save the selection under"})
    this.save = h("button", {type: "submit"}, "Save")
    return h("form", {class: "line", onsubmit: (event) => {
      event.preventDefault()
      if (!this.name.value.trim() || this.save.disabled) return
      this.store.send({verb: "save_selection", name: this.name.value})
      this.name.value = ""
    }}, this.name, this.save)
  }

  list() {
    this.rows = h("ul", {class: "saved", "aria-label": "saved selections"})
    return this.rows
  }

  expressing() {
    this.text = h("input", {type: "text", maxlength: "10000", spellcheck: "false", placeholder: "A & ~B | C", "aria-label": "expression of saved selections"})
    this.expression = h("form", {class: "line", title: "& and, | or, ~ not, brackets; names with such signs in “quotes”", onsubmit: (event) => {
      event.preventDefault()
      if (this.text.value.trim()) this.store.send({verb: "expression", text: this.text.value, mode: this.tools.mode})
    }}, this.text, h("button", {type: "submit"}, "Select"))
    return this.expression
  }

  update() {
    const [count, saved] = [this.store.get("selection")?.count || 0, this.store.get("saved") || []]
    this.save.disabled = this.grow.disabled = !count
    this.name.placeholder = count ? `Save ${number(count)} selected as…` : "Select something to save it"
    this.expression.hidden = !saved.length
    if (this.renaming !== null && !saved.some((one) => one.name === this.renaming)) this.renaming = this.renameBox = null
    keepingFocus(this.rows, () => fill(this.rows, saved.length ? saved.map((one) => this.row(one)) : h("li", {class: "muted"}, "No saved selections yet.")))
  }

  row(one) {
    if (one.name === this.renaming) return this.renameRow(one)
    const select = (event) => this.store.send({verb: "expression", text: one.text, mode: this.tools.modeOf(event)})
    return h("li", {},
      h("button", {type: "button", class: "pick", onclick: select, "data-key": `saved-${one.name}`, title: "Select these items; combines as the mode says"},
        h("span", {class: "name"}, one.name), h("span", {class: "count"}, one.count === null ? "…" : number(one.count))),
      button("rename", () => { this.renaming = one.name; this.update(); this.rows.querySelector("input")?.select() }, {class: "small", "aria-label": `rename ${one.name}`, "data-key": `rename-${one.name}`}),
      button("×", () => this.store.send({verb: "forget_selection", name: one.name}), {class: "small", title: "Delete", "aria-label": `delete ${one.name}`, "data-key": `forget-${one.name}`}))
  }

  renameRow(one) {
    if (this.renameBox?.of === one.name) return this.renameBox.el // with what was written in it
    const name = h("input", {type: "text", maxlength: "200", value: one.name, "aria-label": `new name of ${one.name}`, "data-key": "new-name"})
    const done = () => { this.renaming = this.renameBox = null; this.update() }
    name.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); done() } })
    const el = h("li", {}, h("form", {class: "line", onsubmit: (event) => {
      event.preventDefault()
      if (name.value.trim() && name.value !== one.name) this.store.send({verb: "rename_selection", name: one.name, to: name.value})
      done()
    }}, name, h("button", {type: "submit", class: "small"}, "OK")))
    this.renameBox = {of: one.name, el}
    return el
  }

  toggle() { if (this.panel.hidden) this.show(); else this.close(true) }

  show() {
    this.update()
    this.panel.hidden = false
    this.open.setAttribute("aria-expanded", "true")
    const place = this.el.getRootNode()
    this.outside = (event) => { if (!event.composedPath().includes(this.el)) this.close(false) }
    place.addEventListener("pointerdown", this.outside)
    ;(this.save.disabled ? this.invert : this.name).focus()
  }

  close(refocus) {
    this.panel.hidden = true
    this.open.setAttribute("aria-expanded", "false")
    this.el.getRootNode().removeEventListener("pointerdown", this.outside)
    if (refocus) this.open.focus()
  }
}
