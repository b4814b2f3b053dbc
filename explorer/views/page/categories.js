// The categories as a tree by their `parent/child` names, and the dialog that changes one.

const MANY_CATEGORIES = 20 // from which on there is a box to find one
const MOST_CATEGORIES = 300 // that are built; the others are found by the box

// Nodes {path, leaf, category or null, below: [nodes]} by the slashes in names; a name with nothing before or after a slash is one leaf.
function categoryTree(categories) {
  const [top, known] = [[], new Map()]
  const node = (path) => {
    if (known.has(path)) return known.get(path)
    const cut = path.split("/").every((part) => part.trim()) ? path.lastIndexOf("/") : -1
    const made = {path, leaf: cut > 0 ? path.slice(cut + 1) : path, category: null, below: []}
    known.set(path, made)
    ;(cut > 0 ? node(path.slice(0, cut)).below : top).push(made)
    return made
  }
  for (const category of categories) node(category.name).category = category
  return top
}

function within(node) { return [...(node.category ? [node.category] : []), ...node.below.flatMap(within)] }

class CategoryTree {
  constructor(store, dialogs, importing) {
    this.store = store
    this.dialogs = dialogs
    this.query = ""
    this.folded = new Set()
    this.renaming = null // {name, input}
    this.find = h("input", {type: "search", placeholder: "Find a category", "aria-label": "find a category", hidden: true, oninput: () => { this.query = this.find.value; this.render() }})
    this.list = h("ul", {class: "cats", "aria-label": "categories"})
    this.el = h("section", {class: "part"},
      h("header", {}, h("h2", {class: "grow"}, "Categories"),
        button("Import…", () => importing.open(), {class: "quiet small", title: "Import labels by id from a CSV, TSV, Parquet or JSON lines file"}),
        button("+ new", () => dialogs.newCategory(false), {class: "quiet small", title: "A new category; parent/child makes it a part of another"})),
      this.find, this.list)
  }

  render() {
    const {categories} = this.store.get("labels")
    const word = this.query.toLocaleLowerCase()
    this.find.hidden = categories.length <= MANY_CATEGORIES
    if (this.renaming && !categories.some((one) => one.name === this.renaming.name)) this.renaming = null
    const found = word && !this.find.hidden ? categories.filter((one) => one.name.toLocaleLowerCase().includes(word)) : categories
    const shown = found.slice(0, MOST_CATEGORIES)
    keepingFocus(this.list, () => fill(this.list, categoryTree(shown).map((node) => this.node(node)),
      found.length > shown.length ? h("li", {class: "muted"}, `${number(found.length - shown.length)} more; find one by its name`) : null,
      !categories.length ? h("li", {class: "empty muted"}, "No labels yet: select something on the map and press ", h("kbd", {}, "N"), ", name a cluster below, or import labels from a file.") :
        !found.length ? h("li", {class: "muted"}, "Nothing is called so.") : null))
  }

  node(node) {
    const open = !this.folded.has(node.path)
    const fold = node.below.length ? button(open ? "▾" : "▸", () => this.fold(node.path), {class: "fold", "aria-expanded": String(open), "aria-label": `parts of ${node.path}`, "data-key": `fold-${node.path}`}) : h("span", {class: "fold"})
    const inner = node.below.length && open ? h("ul", {"aria-label": `parts of ${node.path}`}, node.below.map((one) => this.node(one))) : null
    return h("li", {}, h("div", {class: "cat"}, fold, this.renaming && this.renaming.name === node.category?.name ? this.form() : this.line(node)), inner)
  }

  line(node) {
    const [own, all] = [node.category?.count || 0, within(node)]
    const total = all.reduce((sum, one) => sum + one.count, 0)
    const counts = node.below.length && node.category ? [number(own), h("span", {class: "below"}, ` + ${number(total - own)}`)] : number(total)
    const note = node.category?.note
    const title = `${named(node.path)}: ${plural(own, "item")}${node.below.length ? `, ${number(total - own)} in its parts` : ""}${note ? `\n${note}` : ""}\nclick: select them · Shift-click: add · double click or F2: rename`
    const pick = h("button", {type: "button", class: `pick${node.category ? "" : " heading"}`, title, "data-key": `cat-${node.path}`,
      onclick: (event) => (total ? this.select(all, event) : null), ondblclick: () => this.rename(node.category),
      onkeydown: (event) => { if (event.key === "F2") { event.preventDefault(); this.rename(node.category) } }},
    h("i", {class: "dot", style: node.category ? {background: node.category.color} : {}}), h("span", {class: "name"}, named(node.leaf)),
    note ? h("span", {class: "note", "aria-label": `note: ${note}`}, "✎") : null,
    node.category?.key ? h("kbd", {}, String(node.category.key)) : null, h("span", {class: "count"}, counts))
    return [pick, node.category ? button("⋯", () => this.dialogs.category(node.category), {class: "small more", "aria-label": `edit ${named(node.path)}`, title: "Colour, key, note, merge, split, delete", "data-key": `more-${node.path}`}) : null]
  }

  select(categories, event) {
    const parts = categories.map((one) => ({rule: "label", category: one.name}))
    this.store.send({verb: "select", rule: parts.length > 1 ? {rule: "any", parts} : parts[0], mode: modeOf(event)})
  }

  fold(path) {
    if (!this.folded.delete(path)) this.folded.add(path)
    this.render()
  }

  rename(category) {
    if (!category) return
    const input = h("input", {type: "text", maxlength: "200", value: category.name, "aria-label": `new name of ${named(category.name)}`, "data-key": "renaming"})
    input.addEventListener("keydown", (event) => { if (event.key === "Escape") { event.stopPropagation(); this.done(category.name) } })
    this.renaming = {name: category.name, input}
    this.render()
    input.focus()
    input.select()
  }

  form() {
    const {name, input} = this.renaming
    return h("form", {class: "naming", onsubmit: (event) => {
      event.preventDefault()
      if (input.value.trim() && input.value !== name) this.store.save({verb: "rename", name, to: input.value})
      this.done(name)
    }}, input, h("button", {type: "submit", class: "small"}, "Rename"))
  }

  done(name) {
    this.renaming = null
    this.render()
    ;[...this.list.querySelectorAll(".pick")].find((el) => el.getAttribute("data-key") === `cat-${name}`)?.focus()
  }
}

// Everything about one category. Merging and splitting are shown in numbers before they are done.
class CategoryForm {
  constructor(store, dialogs) {
    this.store = store
    this.dialogs = dialogs
    this.split = false
    store.on("preview", () => this.told?.(store.get("preview")))
  }

  open(category) {
    this.category = category
    this.others = this.store.get("labels").categories.filter((other) => other.name !== category.name)
    this.split = this.sure = false
    this.name = h("input", {type: "text", maxlength: "200", value: category.name, "aria-label": "name"})
    this.color = h("input", {type: "color", value: category.color, "aria-label": "colour"})
    this.key = h("select", {"aria-label": "key"}, h("option", {value: ""}, "none"), [1, 2, 3, 4, 5, 6, 7, 8, 9].map((key) => h("option", {value: String(key)}, this.keyText(key))))
    this.key.value = String(category.key || "")
    this.note = h("textarea", {rows: "2", maxlength: "2000", "aria-label": "note", placeholder: "What belongs here, and what does not"})
    this.note.value = category.note
    this.parent = h("select", {"aria-label": "part of", onchange: () => this.move()}, h("option", {value: "-1"}, "none"), this.parents().map((name, place) => h("option", {value: String(place)}, name)))
    this.parent.value = String(this.parents().indexOf(category.name.slice(0, Math.max(0, category.name.lastIndexOf("/")))))
    this.into = h("select", {"aria-label": "merge into", onchange: () => this.merge()}, h("option", {value: "-1"}, "keep apart"), this.others.map((other, place) => h("option", {value: String(place)}, named(other.name))))
    this.splitting = button("Split by cluster…", () => this.splitUp(), {class: "small", disabled: !category.count})
    this.preview = h("div", {class: "preview", role: "status"})
    const dialog = this.dialogs.open(`Category “${named(category.name)}”`, [
      h("label", {}, "Name", this.name),
      h("div", {class: "pair"}, h("label", {}, "Colour", this.color), h("label", {}, "Key", this.key)),
      h("div", {class: "pair"}, h("label", {}, "Part of", this.parent), h("label", {}, `Merge its ${number(category.count)} items into`, this.into)),
      h("label", {}, "Note", this.note), h("div", {class: "line"}, this.splitting), this.preview],
    [{text: "Delete", class: "danger", run: (close) => this.remove(close)}, {text: `Select its ${number(category.count)}`, run: (close) => this.select(close)}, {text: "Save", class: "primary", run: (close) => this.save(close)}])
    dialog.classList.add("category-form")
    this.go = dialog.querySelector("footer .primary")
    this.drop = dialog.querySelector("footer .danger")
    this.told = (preview) => this.show(preview)
    this.name.select()
  }

  keyText(key) {
    const taken = this.others.find((one) => one.key === key)
    return taken ? `${key} (now ${named(taken.name)})` : String(key)
  }

  parents() { // a category cannot be a part of itself or of what is below it
    const names = this.others.map((one) => one.name).filter((name) => name.trim() && name !== this.category.name && !name.startsWith(`${this.category.name}/`))
    const heads = names.flatMap((name) => name.split("/").slice(0, -1).map((_, place, parts) => parts.slice(0, place + 1).join("/"))).filter((name) => name.trim() && name !== this.category.name)
    const own = this.category.name.slice(0, Math.max(0, this.category.name.lastIndexOf("/")))
    return [...new Set([...names, ...heads, ...(own.trim() ? [own] : [])])]
  }

  move() {
    const leaf = this.name.value.slice(this.name.value.lastIndexOf("/") + 1)
    const parent = this.parents()[Number(this.parent.value)]
    this.name.value = parent === undefined ? leaf : `${parent}/${leaf}`
  }

  merge() {
    this.split = false
    const into = this.others[Number(this.into.value)]
    this.go.textContent = into ? "Merge" : "Save"
    fill(this.preview)
    if (into) this.store.send({verb: "merge_preview", name: this.category.name, into: into.name})
  }

  splitUp() {
    this.into.value = "-1"
    this.go.textContent = "Save"
    fill(this.preview, "Counting…")
    this.store.send({verb: "split_preview", name: this.category.name})
  }

  show(preview) {
    if (!this.preview.isConnected || preview.name !== this.category.name) return
    if (preview.verb === "merge") {
      if (this.others[Number(this.into.value)]?.name !== preview.into) return
      const own = `${number(preview.count)} of “${named(preview.name)}” become “${named(preview.into)}”: ${number(preview.has)} + ${number(preview.count)} = ${number(preview.has + preview.count)}.`
      const parts = this.others.filter((one) => one.name.startsWith(`${preview.name}/`)).length
      return fill(this.preview, own, ` “${named(preview.name)}” is gone then.`, parts ? ` Its ${plural(parts, "part")} ${parts === 1 ? "stays" : "stay"}.` : "")
    }
    this.split = !preview.why
    this.go.textContent = this.split ? `Split into ${preview.parts.length}` : "Save"
    if (preview.why) return fill(this.preview, preview.why)
    fill(this.preview, h("p", {}, `“${named(preview.name)}” gets ${number(preview.parts.length)} parts, one for each cluster${preview.stays ? `; ${plural(preview.stays, "item")} in no cluster ${preview.stays === 1 ? "stays" : "stay"}` : ""}:`),
      h("ul", {}, preview.parts.map(([name, count]) => h("li", {}, h("span", {class: "name"}, `${named(preview.name)}/${name}`), h("span", {class: "count"}, number(count))))))
  }

  save(close) {
    const {name, color, key, note} = this.category
    this.name.required = name !== "" // one without a name comes out of a file, and may stay so
    if (name !== "" && !this.name.value.trim()) { this.name.value = ""; return this.name.reportValidity() }
    const into = this.others[Number(this.into.value)]
    const save = (message) => this.store.save({name, ...message})
    if (into) save({verb: "merge", into: into.name})
    else {
      if (this.color.value !== color) save({verb: "recolor", color: this.color.value})
      if (this.key.value !== String(key || "")) save({verb: "bind", key: this.key.value ? Number(this.key.value) : null})
      if (this.note.value !== note) save({verb: "note", note: this.note.value})
      if (this.split) save({verb: "split"})
      if (this.name.value !== name && this.name.value.trim()) save({verb: "rename", to: this.name.value})
    }
    close()
  }

  // A click that takes labels away says how many, and is done by the next one.
  remove(close) {
    const {name, count} = this.category
    if (count && !this.sure) {
      this.sure = true
      this.drop.textContent = `Delete: ${number(count)} lose their label`
      return
    }
    this.store.save({verb: "delete", name})
    close()
  }

  select(close) {
    this.store.send({verb: "select", rule: {rule: "label", category: this.category.name}, mode: "replace"})
    close()
  }
}
