// The categories with their keys and counts; label what is selected, take it away, undo.

class LabelBar {
  constructor(store, dialogs) {
    this.store = store
    this.dialogs = dialogs
    this.set = new Chosen(store, "labels")
    this.el = h("section", {class: "card labelbar", "aria-label": "labels"})
    store.on("labels selection connected", () => keepingFocus(this.el, () => this.render()))
  }

  get able() { return this.store.get("connected") !== false }

  render() {
    const labels = this.store.get("labels")
    const selection = this.store.get("selection")
    if (!labels || !selection) return
    const off = !this.able
    const chips = labels.categories.map((category) => h("span", {class: "chip"},
      h("button", {type: "button", class: "give", disabled: off || !selection.count, "data-key": `chip-${category.name}`, onclick: () => this.label(category.name),
        title: selection.count ? `Label ${number(selection.count)} selected as ${category.name}` : "Select something first"},
      h("i", {class: "dot", style: {background: category.color}}), h("span", {class: "name"}, category.name === "" ? "(empty)" : category.name),
      category.key ? h("kbd", {}, String(category.key)) : null, h("span", {class: "count"}, number(category.count))),
      button("⋯", () => this.dialogs.category(category), {class: "small", "aria-label": `edit category ${category.name}`, "data-key": `edit-${category.name}`, disabled: off})))
    const hidden = selection.hidden ? `, ${number(selection.hidden)} hidden` : ""
    fill(this.el,
      labels.sets?.length > 1 ? this.sets(labels, off) : null,
      button(selection.count ? `Label ${number(selection.count)} selected${hidden}` : "Label selection", () => this.dialogs.newCategory(true), {class: "primary", "data-key": "label", disabled: off || !selection.count, title: "Give the selection a new or an old category (N)"}),
      h("div", {class: "chips"}, chips),
      button("+ new category", () => this.dialogs.newCategory(false), {class: "chip add", "data-key": "new", disabled: off}),
      button("Focus", () => this.store.set({focusing: true}), {disabled: off, title: "One item after another, large, with keys to decide (E)", "aria-keyshortcuts": "E", "data-key": "focus"}),
      h("span", {class: "grow"}),
      h("span", {class: "muted"}, `${number(labels.labelled)} of ${number(labels.total)} labelled`),
      button("Remove label", () => this.store.save({verb: "unlabel"}), {disabled: off || !selection.count || !labels.labelled, title: "Take the selected items' labels away (Del)", "data-key": "unlabel"}),
      button("Undo", () => this.store.save({verb: "undo"}), {disabled: off || !selection.undo, title: "Undo (Ctrl+Z)", "data-key": "undo"}),
      button("Redo", () => this.store.save({verb: "redo"}), {disabled: off || !selection.redo, title: "Redo (Ctrl+Shift+Z)", "data-key": "redo"}))
  }

  // Labels are given in one set at a time, such as species or quality.
  sets(labels, off) {
    const choose = h("select", {class: "method", "aria-label": "label set", "data-key": "set", disabled: off, title: "The label set that labels are given in",
      onchange: ({target: {value}}) => this.set.take(value, this.store.send({verb: "label_set", name: value}))}, labels.sets.map((name) => h("option", {value: name}, name)))
    choose.value = this.set.or(labels.set)
    return choose
  }

  label(name) {
    if (!this.able) return
    this.store.set({used: name})
    this.store.save({verb: "label", name})
  }

  labelByKey(key) {
    const category = this.store.get("labels")?.categories.find((one) => one.key === key)
    if (category && this.store.nothingSelected) this.dialogs.toast({text: `select something first; then ${key} labels it “${category.name}”`, tone: "error"})
    else if (category) this.label(category.name)
    else this.dialogs.toast({text: `no category has the key ${key} yet; make one with “+ new category”`, tone: "error"})
  }
}
