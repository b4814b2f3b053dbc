// The command palette: a box in which a few letters find every category, cluster, saved selection and command.

const MOST_ROWS = 200 // rows that are built
const FEW = 6 // of a kind that may be many, while nothing is typed
const MANY_KINDS = ["Cluster", "Select", "Colour"]

// What keys do, with the key as it is shown and as `actions` knows it, and other words for it.
const COMMANDS = [
  ["Tool", "Lasso", "L", "l"], ["Tool", "Box", "B", "b"], ["Tool", "Paint brush", "P", "p"], ["Tool", "Pan", "V", "v"],
  ["Tool", "Narrower brush", "[", "["], ["Tool", "Wider brush", "]", "]"],
  ["Tool", "Add to the selection, on or off", "A", "a"], ["Tool", "Subtract from the selection, on or off", "S", "s"],
  ["Select", "Invert the selection", "I", "i"], ["Select", "Clear: select nothing", "Esc", "escape"],
  ["Look", "Fit: show everything", "F", "f"], ["Look", "Zoom in", "+", "+"], ["Look", "Zoom out", "−", "-"],
  ["Look", "Move left", "←", "arrowleft"], ["Look", "Move right", "→", "arrowright"], ["Look", "Move up", "↑", "arrowup"], ["Look", "Move down", "↓", "arrowdown"],
  ["Label", "Focus mode: one item after another", "E", "e"], ["Label", "New category", "N", "n"], ["Label", "Remove labels of the selection", "Del", "delete", "delete unlabel"],
  ["Label", "Undo", "Ctrl+Z", "undo"], ["Label", "Redo", "Ctrl+Shift+Z", "redo"],
  ["Page", "Export data", "", "export", "download save"], ["Page", "Picture of the map", "", "picture", "screenshot download"], ["Page", "Theme: light or dark", "", "theme", "mode"], ["Page", "Keys and gestures", "?", "?", "help shortcuts"],
]

class Palette {
  constructor(store, dialogs, actions, home) { // home: gets the focus when it closes
    this.store = store
    this.dialogs = dialogs
    this.actions = actions
    this.home = home
    this.recent = [] // categories, the one used last first
    this.known = null
    store.on("labels", ({labels}) => this.meet(labels))
    store.on("used", ({used}) => this.use(used))
    store.on("labels selection clusters saved color", () => { if (this.isOpen) this.update() })
  }

  get isOpen() { return Boolean(this.dialog?.open) }

  use(name) { this.recent = [name, ...this.recent.filter((other) => other !== name)] }

  // A category that was just made is the one used last.
  meet({categories}) {
    const names = categories.map(({name}) => name)
    if (this.known) for (const name of names) if (!this.known.has(name) && !this.recent.includes(name)) this.use(name)
    this.known = new Set(names)
  }

  open(scope = null, back = this.home) {
    if (this.isOpen || this.store.get("connected") === false || !this.store.get("labels")) return
    this.back = back
    this.only = Boolean(scope) // there is nowhere to go back to
    this.before = this.dialogs.el.getRootNode().activeElement
    this.build()
    this.dialogs.el.append(this.dialog)
    this.dialog.showModal()
    this.enter(scope)
  }

  // Ask for a category, an old one or a new one; `give` gets its name.
  ask(title, give, back = this.home) { this.open(this.scope(title, give), back) }

  scope(title, give) { return {title, entries: (typed) => this.categories(null, give, typed, `Create “${typed}”`)} }

  build() {
    const list = "palette-list"
    this.input = h("input", {type: "text", role: "combobox", maxlength: "200", spellcheck: "false", autocomplete: "off", "aria-expanded": "true", "aria-autocomplete": "list",
      "aria-controls": list, oninput: () => { this.chosen = null; this.update() }, onkeydown: (event) => this.onKey(event)})
    this.where = h("span", {class: "palette-scope", hidden: true})
    this.list = h("ul", {id: list, role: "listbox", "aria-label": "what can be done"})
    this.foot = h("p", {class: "muted", role: "status"})
    this.dialog = h("dialog", {class: "palette", "aria-label": "command palette"}, h("div", {class: "palette-box"}, this.where, this.input), this.list, this.foot)
    this.dialog.addEventListener("cancel", (event) => { event.preventDefault(); this.close(false) })
    this.dialog.addEventListener("pointerdown", (event) => { if (event.target === this.dialog) this.close(false) })
  }

  enter(scope) {
    this.now = scope
    this.chosen = null
    this.where.hidden = !scope
    this.where.textContent = scope?.title || ""
    this.input.value = ""
    this.input.setAttribute("aria-label", scope ? scope.title : "find a category or a command")
    this.input.placeholder = scope ? "A category, or a new one" : "Label, select, colour, or do…"
    this.update()
    this.input.focus()
  }

  // What had the focus gets it back when nothing was chosen.
  close(chosen = true) {
    if (!this.dialog) return
    this.dialog.close()
    this.dialog.remove()
    this.dialog = null
    if (!chosen && this.back === this.home && this.before?.isConnected && this.before.matches("button, input, select, canvas, [tabindex='0']")) this.before.focus({preventScroll: true})
    else this.back()
  }

  onKey(event) {
    if (event.isComposing) return
    const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8}[event.key]
    if (step) this.move(step)
    else if (event.key === "Enter") this.run(this.found[this.place])
    else if (event.key === "Backspace" && this.now && !this.input.value && !this.only) this.enter(null)
    else if (event.key !== "Tab") return // which would leave the only box there is
    event.preventDefault()
  }

  move(step) {
    const count = this.found.length
    if (!count) return
    const to = Math.abs(step) === 1 ? (this.place + step + count) % count : Math.max(0, Math.min(count - 1, this.place + step))
    this.mark(to)
    this.rows[to].scrollIntoView({block: "nearest"})
  }

  mark(place) {
    this.rows[this.place]?.setAttribute("aria-selected", "false")
    this.place = place
    this.chosen = this.found[place]?.id ?? null
    this.rows[place]?.setAttribute("aria-selected", "true")
    if (this.rows[place]) this.input.setAttribute("aria-activedescendant", this.rows[place].id)
    else this.input.removeAttribute("aria-activedescendant")
  }

  run(entry) {
    if (!entry) return
    if (entry.scope) return this.enter(entry.scope)
    this.close()
    entry.run()
  }

  update() {
    const typed = this.input.value.trim()
    const all = this.now ? this.now.entries(typed) : this.entries(typed)
    const ranked = typed ? best(typed, all) : all
    this.found = ranked.slice(0, MOST_ROWS)
    this.rows = this.found.map((entry, place) => this.row(entry, place))
    fill(this.list, this.rows)
    const rest = ranked.length - this.found.length
    this.foot.textContent = !ranked.length ? "Nothing fits." : rest > 0 ? `${number(rest)} more: type on to find them` : `${number(ranked.length)} · ↑ ↓ and Enter${this.now && !this.only ? " · Backspace goes back" : ""}`
    this.place = -1
    this.mark(Math.max(0, this.found.findIndex((entry) => entry.id === this.chosen)))
    if (!this.chosen) this.list.scrollTop = 0
  }

  row(entry, place) {
    return h("li", {role: "option", id: `palette-${place}`, "aria-selected": "false", onpointermove: () => { if (this.place !== place) this.mark(place) }, onclick: () => this.run(entry)},
      h("span", {class: "kind"}, entry.kind), entry.color ? h("i", {class: "dot", style: {background: entry.color}}) : null,
      h("span", {class: "what"}, entry.before ? h("span", {class: "muted"}, `${entry.before} `) : null, entry.name, entry.after ? h("span", {class: "muted"}, ` ${entry.after}`) : null),
      entry.count === undefined || entry.count === null ? null : h("span", {class: "count"}, number(entry.count)), entry.key ? h("kbd", {}, String(entry.key)) : null)
  }

  // What there is to do

  entries(typed) {
    const many = (entries) => (typed ? entries : entries.slice(0, FEW))
    const some = this.store.get("selection").count // without a selection, looking comes before labelling
    const about = some ? [this.bulk(), this.clusters(), this.selecting()] : [this.selecting(), this.bulk(), this.clusters()]
    const made = [this.labelling(typed), about, this.sets(typed), this.coloring()].flat(2)
    const kinds = new Map()
    for (const entry of made) kinds.set(entry.kind, [...(kinds.get(entry.kind) || []), entry])
    if (some) for (const entry of about.flat()) entry.most = 7 // what was typed is to name what is selected, rather than a cluster
    return [...kinds].flatMap(([kind, entries]) => (MANY_KINDS.includes(kind) ? many(entries) : entries)).concat(this.commands())
  }

  // The categories of the current set, the one used last first, and a new one where no category is called what was typed.
  categories(before, give, typed, create, always = 3.5) {
    const {categories} = this.store.get("labels")
    const rank = (name) => { const place = this.recent.indexOf(name); return place < 0 ? Infinity : place }
    const order = [...categories].sort((one, other) => rank(one.name) - rank(other.name) || 0)
    const made = order.map((category) => ({id: `label-${category.name}`, kind: "Label", before, name: category.name === "" ? "(empty)" : category.name,
      color: category.color, key: category.key, count: category.count, run: () => give(category.name)}))
    if (typed && !categories.some(({name}) => name === typed)) made.push({id: "create", kind: "Create", name: create, always, run: () => give(typed)})
    return made
  }

  labelling(typed) {
    const {count} = this.store.get("selection")
    const save = (message) => this.save(message)
    if (!count) {
      const named = this.store.get("labels").categories.some(({name}) => name === typed)
      return typed && !named ? [{id: "create", kind: "Create", name: `Create category “${typed}”`, always: 3.5, run: () => save({verb: "create", name: typed})}] : []
    }
    return this.categories(`${number(count)} selected as`, (name) => save({verb: "label", name}), typed, `Create “${typed}” and label ${number(count)} selected`, 7.5)
  }

  bulk() {
    const {count} = this.store.get("selection")
    const what = count ? `what has no label yet of ${number(count)} selected` : "what has no label yet"
    const as = (title, message) => this.scope(`Label ${title} as`, (name) => this.save({...message, name}))
    return [
      {id: "unlabelled", kind: "Label", name: `${what} as …`, scope: as(what, {verb: "label_unlabelled"})},
      {id: "shown", kind: "Label", name: "everything shown as …", scope: as("everything shown", {verb: "label_shown"})},
    ]
  }

  clusters() {
    return (this.store.get("clusters") || []).flatMap(({cluster, name, size}) => [
      {id: `own-${cluster}`, kind: "Cluster", before: "Label cluster", name, after: "as its own name", count: size, run: () => this.save({verb: "label_cluster", cluster, name: null})},
      {id: `as-${cluster}`, kind: "Cluster", before: "Label cluster", name, after: "as …", scope: this.scope(`Label cluster “${name}” as`, (given) => this.save({verb: "label_cluster", cluster, name: given}))},
    ])
  }

  selecting() {
    const send = (message) => () => this.store.send({...message, mode: "replace"})
    const saved = (this.store.get("saved") || []).map((one) => ({id: `saved-${one.name}`, kind: "Select", before: "Saved selection", name: one.name, count: one.count, run: send({verb: "expression", text: one.text})}))
    const categories = this.store.get("labels").categories.map((one) => ({id: `select-${one.name}`, kind: "Select", before: "Category", name: one.name === "" ? "(empty)" : one.name,
      color: one.color, count: one.count, run: send({verb: "select", rule: {rule: "label", category: one.name}})}))
    const clusters = (this.store.get("clusters") || []).map(({cluster, name, size}) => ({id: `in-${cluster}`, kind: "Select", before: "Cluster", name, count: size, run: send({verb: "select", rule: {rule: "cluster", cluster}})}))
    return [...saved, ...categories, ...clusters]
  }

  sets(typed) {
    const {sets = [], set} = this.store.get("labels")
    const made = sets.filter((name) => name !== set).map((name) => ({id: `set-${name}`, kind: "Set", before: "Use label set", name, run: () => this.store.send({verb: "label_set", name})}))
    if (typed && typed.length <= 60 && !sets.includes(typed)) made.push({id: "new-set", kind: "Set", name: `New label set “${typed}”`, always: 1, run: () => this.store.send({verb: "label_set", name: typed})})
    return made
  }

  coloring() {
    const {by, choices} = this.store.get("color") || {choices: []}
    return choices.filter(({value}) => value !== by).map(({value, name}) => ({id: `color-${value}`, kind: "Colour", before: "Colour by", name, run: () => this.store.send({verb: "color", by: value})}))
  }

  commands() {
    const selected = this.store.get("selection").count
    return COMMANDS.filter(([, , , action]) => action !== "delete" || selected).map(([kind, name, key, action, also]) => ({id: `do-${action}`, kind, name, key, also, run: () => this.actions[action]()}))
  }

  save(message) {
    if (message.name) this.use(message.name)
    this.store.save(message)
  }
}

// The entries that fit what was typed, the best first, of equals the earlier one.
function best(typed, entries) {
  const query = folded(typed)
  const words = query.split(/\s+/)
  const rank = (entry) => entry.always ?? Math.min(entry.most ?? Infinity, fit(query, words, folded(entry.name), folded([entry.kind, entry.before, entry.name, entry.after, entry.also].filter(Boolean).join(" "))))
  return entries.map((entry) => [rank(entry), entry]).filter(([score]) => score > 0).sort(([one], [other]) => other - one).map(([, entry]) => entry)
}

// How well a query fits a name, and the line that it stands in: 0 for not at all.
function fit(query, words, name, line) {
  if (name === query) return 9
  if (name.startsWith(query)) return 8
  if (beginsWord(name, query)) return 7
  if (words.every((word) => beginsWord(line, word))) return 6
  if (name.includes(query)) return 5
  if (words.every((word) => line.includes(word))) return 4
  if (inOrder(words.join(""), name)) return 3
  return inOrder(words.join(""), line) ? 2 : 0
}

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase()

function beginsWord(text, word) {
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) if (!at || !/[\p{L}\p{N}]/u.test(text[at - 1])) return true
  return false
}

function inOrder(letters, text) {
  let at = 0
  for (const letter of letters) {
    at = text.indexOf(letter, at) + 1
    if (!at) return false
  }
  return true
}
