// What was done to the labels: the journal's last rows, each with why, and with its items or its rule to select again.

class Past {
  constructor(store) {
    this.store = store
    this.chosen = 0 // the row that is open
    this.list = h("ul", {class: "past", "aria-label": "history"})
    this.el = h("section", {class: "part"}, h("header", {}, h("h2", {}, "History")), this.list)
    store.on("entry", () => this.render())
  }

  render() {
    const desk = this.store.get("desk")
    this.el.hidden = !desk
    if (!desk) return
    keepingFocus(this.list, () => fill(this.list, desk.history.length ? desk.history.map((row) => this.row(row, desk)) :
      h("li", {class: "muted"}, "Nothing was labelled yet. Everything that is done to labels will be listed here and can be undone.")))
  }

  row(row, desk) {
    const open = row.seq === this.chosen
    const what = `${row.kind === "do" ? "" : `${row.kind}: `}${row.verb}`
    const when = WHEN.format(new Date(row.time))
    return h("li", {class: row.undone ? "undone" : ""},
      h("button", {type: "button", class: "pick", "aria-expanded": String(open), "data-key": `entry-${row.seq}`, onclick: () => this.open(open ? 0 : row.seq),
        title: `${what}\n${row.user}, ${when}, ${plural(row.items, "item")}${row.undone ? "\nundone since" : ""}`},
      h("span", {class: "name"}, row.user === desk.me ? null : h("b", {}, `${row.user} `), what),
      h("span", {class: "count"}, row.items ? brief(row.items) : ""), h("span", {class: "when"}, ago(row.time))),
      open ? this.about(row, desk, when) : null)
  }

  open(seq) {
    this.chosen = seq
    if (seq) this.store.send({verb: "entry", seq})
    this.render()
  }

  about(row, desk, when) {
    const known = this.store.get("entry")
    const why = known?.seq === row.seq ? known : null
    const because = why?.words ? `Because of: ${why.words}.` : why?.rule ? "Its rule is one that this version does not know." : ""
    const set = row.set === desk.set ? "" : ` in the set “${row.set}”`
    return h("div", {class: "because"},
      h("p", {}, `${row.user === desk.me ? "You" : row.user}, ${when}${set}: ${plural(row.items, "item")}${row.undone ? "; undone since" : ""}.`),
      because ? h("p", {}, because) : null,
      row.items ? h("div", {class: "group"},
        button("Select these items", (event) => this.store.send({verb: "entry_items", seq: row.seq, mode: modeOf(event)}), {class: "small", "data-key": `these-${row.seq}`}),
        why?.words ? button("Select by the rule again", (event) => this.store.send({verb: "replay", seq: row.seq, mode: modeOf(event)}), {class: "small", "data-key": `again-${row.seq}`, title: "What the rule selects on this layout and this data"}) : null) : null)
  }
}
