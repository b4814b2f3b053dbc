// The labelling desk: how far one is, the categories, what is still without a name, who labelled, and what was done.

const AGO = [[3600, 60, "min"], [86400, 3600, "h"], [Infinity, 86400, "d"]] // seconds below which, seconds a unit, the unit

function ago(time) {
  const seconds = Math.max(0, (Date.now() - Date.parse(time)) / 1000)
  if (seconds < 60) return "now"
  const [, unit, word] = AGO.find(([below]) => seconds < below)
  return `${Math.floor(seconds / unit)} ${word} ago`
}

const WHEN = new Intl.DateTimeFormat("en-GB", {dateStyle: "medium", timeStyle: "medium"})
const named = (name) => (name === "" ? "(empty)" : name)
const modeOf = (event) => (event.altKey ? "subtract" : event.shiftKey ? "add" : "replace")
const plural = (count, word) => `${number(count)} ${word}${count === 1 ? "" : "s"}`

function percent(part, whole) { // rounded down, so that 100 % is all
  if (!whole || !part) return "0 %"
  return part * 100 < whole ? "< 1 %" : `${Math.floor((100 * part) / whole)} %`
}

class Desk {
  constructor(store, dialogs) {
    this.store = store
    this.dialogs = dialogs
    this.isOpen = false
    this.chosen = new Chosen(store, "labels")
    this.said = h("p", {class: "said", role: "status"})
    this.set = h("select", {"aria-label": "label set", title: "Labels are given in this set; each has categories of its own", onchange: () => this.choose()})
    this.bar = h("div", {class: "share", "aria-hidden": "true"})
    this.tree = new CategoryTree(store, dialogs, new ImportDialog(store, dialogs))
    this.nameless = new Nameless(store)
    this.comparison = new Comparison(store)
    this.past = new Past(store)
    const sections = [this.tree, this.nameless, this.comparison, this.past].map((one) => one.el)
    this.el = h("section", {class: "desk", "aria-label": "labelling desk"}, this.said, this.bar, h("label", {class: "of-set"}, h("span", {class: "muted"}, "Label set"), this.set), h("div", {class: "scroller"}, sections))
    store.on("labels desk", () => { if (this.isOpen) this.render() })
    store.on("data", () => { if (this.isOpen) this.ask() }) // the server has begun anew and does not know that somebody looks
  }

  opened() {
    if (this.isOpen) return
    this.isOpen = true
    this.render()
    this.ask()
    this.clock = setInterval(() => this.past.render(), 30000)
  }

  closed() {
    if (!this.isOpen) return
    this.isOpen = false
    clearInterval(this.clock)
    this.comparison.close()
    this.ask()
  }

  ask() { this.store.send({verb: "desk", open: this.isOpen}) }

  render() {
    const [labels, desk] = [this.store.get("labels"), this.store.get("desk")]
    if (!labels) return
    this.said.textContent = `${number(labels.labelled)} of ${number(labels.total)} labelled · ${percent(labels.labelled, labels.total)}`
    fill(this.bar, labels.categories.filter((one) => one.count).map((one) =>
      h("i", {style: {background: one.color, width: `${(100 * one.count) / labels.total}%`}})))
    this.sets(labels, desk)
    this.tree.render()
    this.nameless.render()
    this.comparison.render()
    this.past.render()
  }

  sets(labels, desk) {
    if (this.el.getRootNode().activeElement === this.set && this.set.value === labels.set && this.set.options.length === labels.sets.length + 1) return // it may be open
    const counts = new Map((desk?.sets || []).map((one) => [one.name, one.labelled]))
    fill(this.set, labels.sets.map((name, place) => h("option", {value: String(place)}, name !== labels.set && counts.get(name) ? `${name} (${brief(counts.get(name))})` : name)), h("option", {value: "new"}, "new set…"))
    this.set.value = String(labels.sets.indexOf(this.chosen.or(labels.set)))
  }

  choose() {
    const labels = this.store.get("labels")
    const known = labels.sets[Number(this.set.value)]
    if (known !== undefined) return this.chosen.take(known, this.store.send({verb: "label_set", name: known}))
    this.set.value = String(labels.sets.indexOf(labels.set))
    const name = h("input", {type: "text", maxlength: "60", "aria-label": "name of the label set", placeholder: "e.g. quality", required: true})
    const run = (close) => {
      if (!name.value.trim()) return name.reportValidity()
      this.store.send({verb: "label_set", name: name.value})
      close()
    }
    this.dialogs.open("New label set", [h("p", {class: "muted"}, "Each item has one label in each set, say its species and its quality. A set has categories of its own and is kept with its first one."), name],
      [{text: "Create", class: "primary", run}])
  }
}

// Clusters of which less than half is labelled, the largest first, each to be named at once.
class Nameless {
  constructor(store) {
    this.store = store
    this.all = false
    this.editing = null // {cluster, input}
    this.title = h("h2", {class: "grow"}, "Clusters without a name")
    this.count = h("span", {class: "muted"})
    this.list = h("ul", {class: "nameless"})
    this.el = h("section", {class: "part"}, h("header", {}, this.title, this.count), this.list)
  }

  render() {
    const desk = this.store.get("desk")
    const found = desk?.clusters
    this.el.hidden = !desk
    if (!desk) return
    this.count.textContent = found ? `${number(found.named)} of ${number(found.total)} have one` : ""
    this.count.title = found ? "A cluster has a name when at least half of its items are labelled" : ""
    if (this.editing && !found?.rows.some((row) => row.cluster === this.editing.cluster)) this.editing = null
    const rows = found ? (this.all ? found.rows : found.rows.slice(0, Nameless.FEW)) : []
    keepingFocus(this.list, () => fill(this.list, rows.map((row) => this.row(row)),
      found && found.rows.length > Nameless.FEW ? h("li", {}, button(this.all ? "Show fewer" : `Show ${number(found.rows.length - Nameless.FEW)} more`, () => { this.all = !this.all; this.render() }, {class: "quiet small", "data-key": "more"})) : null,
      found?.more ? h("li", {class: "muted"}, `${number(found.more)} smaller ones are not listed`) : null,
      found?.noise.size ? this.noise(found.noise) : null,
      !found ? h("li", {class: "muted"}, "There are no clusters yet: run the third step on the left.") : !found.total ? h("li", {class: "muted"}, "Everything is noise: choose smaller clusters on the left.") :
        !found.rows.length ? h("li", {class: "muted"}, "Every cluster has a name.") : null))
  }

  row(row) {
    if (this.editing?.cluster === row.cluster) return this.form(row)
    const share = row.labelled ? `${percent(row.labelled, row.size)} labelled, most “${named(row.top)}”` : ""
    return h("li", {}, this.pick(row.cluster, row.name, row.size, share),
      button("Name…", () => this.edit(row), {class: "small", "aria-label": `name ${row.name}`, "data-key": `name-${row.cluster}`, title: `Label its ${number(row.size)} items`}))
  }

  noise({size, labelled}) {
    return h("li", {class: "noise"}, this.pick(-1, "noise, in no cluster", size, labelled ? `${percent(labelled, size)} labelled` : ""))
  }

  pick(cluster, name, size, share) {
    return h("button", {type: "button", class: "pick", onclick: (event) => this.select(cluster, event), "data-key": `pick-${cluster}`, "aria-label": `select ${name}: ${plural(size, "item")}${share ? `, ${share}` : ", not labelled"}`,
      title: `${name}: ${plural(size, "item")}, ${share || "not labelled"}\nclick: select them · Shift-click: add`},
    h("span", {class: "name"}, name, share ? h("span", {class: "what"}, share) : null), h("span", {class: "count"}, number(size)))
  }

  select(cluster, event) { this.store.send({verb: "select", rule: {rule: "cluster", cluster}, mode: modeOf(event)}) }

  edit(row) {
    const plain = row.name === `cluster ${row.cluster}`
    const input = h("input", {type: "text", maxlength: "200", value: plain && row.top !== null ? row.top : row.name, "aria-label": `category for ${row.name}`, "data-key": `naming-${row.cluster}`})
    input.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); this.done(row.cluster) } })
    this.editing = {cluster: row.cluster, input}
    this.render()
    input.focus()
    input.select()
  }

  form(row) {
    const give = (event) => {
      event.preventDefault()
      const name = this.editing.input.value.trim()
      if (!name) return
      this.store.save({verb: "label_cluster", cluster: row.cluster, name})
      this.done(row.cluster)
    }
    return h("li", {}, h("form", {class: "naming", onsubmit: give}, this.editing.input, h("button", {type: "submit", class: "small", title: `Label its ${number(row.size)} items`}, "Label")))
  }

  done(cluster) {
    this.editing = null
    this.render()
    this.list.querySelector(`[data-key="name-${cluster}"]`)?.focus()
  }
}
Nameless.FEW = 8 // rows until somebody asks for all
