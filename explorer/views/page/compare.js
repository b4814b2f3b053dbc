// Several labellers: how far they agree and on which items they do not; worked out by the server while this is open.

class Comparison {
  constructor(store) {
    this.store = store
    this.isOpen = false
    this.toggle = button("Compare", () => (this.isOpen ? this.close() : this.open()), {class: "quiet small", "aria-expanded": "false", "data-key": "compare"})
    this.who = h("p", {class: "muted"})
    this.body = h("div", {class: "comparison", "aria-live": "polite", hidden: true})
    this.el = h("section", {class: "part", hidden: true}, h("header", {}, h("h2", {class: "grow"}, "Labellers"), this.toggle), this.who, this.body)
    store.on("comparison comparing", () => this.render())
    store.on("data", () => { if (this.isOpen) this.ask() })
  }

  open() {
    this.isOpen = true
    this.ask()
    this.render()
  }

  close() {
    if (!this.isOpen) return
    this.isOpen = false
    this.ask()
    this.store.set({comparison: null})
  }

  // Python does this in a thread of its own, and the word that it has begun may come after what it found.
  get isBusy() { return this.isOpen && (this.store.get("comparing") || 0) > (this.store.get("comparison")?.number || 0) }

  ask() { this.store.send({verb: "compare", open: this.isOpen}) }

  render() {
    const [desk, found] = [this.store.get("desk"), this.store.get("comparison")]
    this.el.hidden = !desk || (desk.users.length < 2 && !this.isOpen)
    if (this.el.hidden) return
    this.who.textContent = `${listOf(desk.users)} labelled in “${desk.set}”.`
    this.toggle.textContent = this.isOpen ? "Close" : "Compare"
    this.toggle.setAttribute("aria-expanded", String(this.isOpen))
    this.who.hidden = this.isOpen
    this.body.hidden = !this.isOpen
    this.body.setAttribute("aria-busy", String(this.isBusy))
    if (!this.isOpen) return
    keepingFocus(this.body, () => fill(this.body, found ? this.told(found) : h("p", {class: "muted"}, "Comparing…")))
  }

  told(found) {
    if (found.why) return h("p", {class: "message"}, found.why)
    const more = found.more ? h("p", {class: "muted"}, `${plural(found.more, "more pair")}`) : null
    return [
      h("p", {class: "verdict"}, h("b", {}, found.alpha === null ? "" : `α ${share(found.alpha)} `), found.verdict),
      found.compared ? h("p", {class: "muted"}, `Krippendorff's alpha over ${plural(found.compared, "item")} that at least two people labelled; 1 is full agreement, 0 is chance.`) : null,
      h("table", {}, h("thead", {}, h("tr", {}, ["who", "items"].map((word) => h("th", {scope: "col"}, word)))),
        h("tbody", {}, found.labelled.map(([user, count]) => h("tr", {}, h("td", {class: "name", title: user}, user), h("td", {}, number(count)))))),
      found.pairs.length ? h("table", {}, h("thead", {}, h("tr", {}, ["two of them", "both", "agree", "kappa"].map((word) => h("th", {scope: "col", title: word === "kappa" ? "Cohen's kappa: agreement beyond chance" : null}, word)))),
        h("tbody", {}, found.pairs.map((pair) => h("tr", {}, h("td", {class: "name", title: `${pair.first} and ${pair.second}`}, `${pair.first} · ${pair.second}`), h("td", {}, number(pair.both)),
          h("td", {}, pair.raw === null ? "–" : `${Math.floor(100 * pair.raw)} %`), h("td", {}, pair.kappa === null ? "–" : share(pair.kappa)))))) : null,
      more,
      found.confused.length ? h("div", {}, h("p", {class: "muted"}, "Taken for each other most"), h("ul", {class: "confused"}, found.confused.map((one) =>
        h("li", {}, h("span", {class: "name"}, `${named(one.first)} / ${named(one.second)}`), h("span", {class: "count"}, number(one.times)))))) : null,
      found.disagree ? button(`Select the ${plural(found.disagree, "item")} they disagree on`, (event) => this.store.send({verb: "select_disputed", mode: modeOf(event)}), {"data-key": "disputed", disabled: this.isBusy}) : null,
    ]
  }
}

const share = (value) => value.toFixed(2).replace("-", "−")

function listOf(names) {
  if (names.length > 4) return `${names.slice(0, 3).join(", ")} and ${number(names.length - 3)} more`
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`
}
