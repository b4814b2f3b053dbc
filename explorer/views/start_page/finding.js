// One source: how far reading it is, what was found in it, which column is what, where labels go, and Start.

const ROLE_WORDS = {
  id: ["Ids", "what an item is called; labels go by it"], text: ["Texts", "the items, where they are texts"], image: ["Pictures", "the items, as files or within the table"],
  audio: ["Sounds", "the items, as recordings"], series: ["Time series", "the items, as lists of values"], time: ["Moments", "with a row for every moment: when"],
  vectors: ["Vectors", "features that are there already"], layout: ["Layout", "a map that is there already: two columns, or one array"], label: ["Labels", "a column that becomes labels where there are none yet"],
}
const KIND_WORDS = {number: "numbers", category: "categories", text: "texts", date: "dates", flag: "yes or no", id: "names, each once", image: "pictures", series: "time series", audio: "sounds", vectors: "vectors", other: "other"}
const EACH = 300 // milliseconds between two looks at how far it is

class Finding {
  constructor(key, leave) {
    Object.assign(this, {key, leave, roles: {}, memory: false, ended: false})
    this.title = h("h2", {class: "what", tabindex: "-1"}, "Reading…")
    this.place = h("p", {class: "muted place"})
    this.body = h("div", {class: "found"})
    this.el = h("div", {class: "finding"}, h("div", {class: "heading"}, button("← All files", leave, {class: "quiet"}), h("div", {class: "grow"}, this.title, this.place)), this.body)
  }

  end() { this.ended = true }

  async follow() {
    for (;;) {
      let state
      try { state = await ask("reading", {key: this.key}) } catch (problem) { if (!this.ended) this.failed({message: problem.message}); return }
      if (this.ended) return
      this.roles = {...state.roles}
      this.source = state.source
      this.place.replaceChildren(pathLine(state.source))
      if (state.state === "done") return this.done(state)
      if (state.state === "failed" || state.state === "stopped") return this.failed(state)
      this.reading(state)
      await pause(EACH)
      if (this.ended) return
    }
  }

  reading({seconds, note, fraction}) {
    const name = this.source.replace(/[/\\]+$/, "").split(/[/\\]/).pop()
    this.title.textContent = `Reading ${name}`
    document.title = `Reading ${name} · explorer`
    if (!this.bar) {
      this.bar = h("progress", {max: "1", "aria-label": "reading"})
      this.far = h("span", {class: "muted"})
      fill(this.body, h("section", {class: "card waiting", "aria-label": "reading"}, this.bar,
        h("div", {class: "row"}, this.far, h("span", {class: "grow"}), button("Stop", () => tell("stop", {key: this.key}).catch(() => {})))))
    }
    if (fraction > 0) this.bar.value = fraction
    this.far.textContent = [`${Math.round(seconds)} s`, note].filter(Boolean).join(" · ") + (seconds > 8 ? " · large files and folders take a while" : "")
  }

  failed({message, columns, state}) {
    this.bar = null
    this.title.textContent = state === "stopped" ? "Stopped" : "This cannot be opened"
    document.title = "explorer"
    const again = columns?.length || Object.keys(this.roles).length
    fill(this.body, h("section", {class: "card", "aria-label": "what is wrong"}, h("p", {class: state === "stopped" ? "" : "problem", role: "alert"}, message),
      h("div", {class: "row"}, button("Choose another file", this.leave, {class: "primary"}), this.source && state === "stopped" ? button("Read it again", () => this.again({})) : null,
        Object.keys(this.roles).length ? button("Undo the last choice", () => this.again({})) : null)),
    again && state !== "stopped" ? this.roleCard(columns || [], null) : null)
    this.body.classList.remove("two")
    this.title.focus()
  }

  done({found, columns, kept}) {
    this.bar = null
    this.title.textContent = found.name
    document.title = `${found.name} · explorer`
    this.body.classList.add("two")
    this.wrong = h("p", {class: "problem", role: "alert", hidden: true})
    this.go = button("Start", () => this.start(), {class: "primary start"})
    fill(this.body, this.foundCard(found), h("div", {class: "side"}, this.roleCard(columns, found), this.keptCard(kept)))
    announce(`${found.name}: ${found.summary}`)
    if (this.focusRole) document.getElementById(this.focusRole)?.focus()
    else this.go.focus({preventScroll: true})
  }

  foundCard(found) {
    const row = ({name, kind, item, examples}) => h("tr", {class: item ? "item" : ""}, h("th", {scope: "row", title: name}, name), h("td", {}, KIND_WORDS[kind] || kind, item ? h("span", {class: "tag"}, "the item") : null),
      h("td", {class: "examples"}, examples.length ? examples.map((text) => h("span", {class: "example", title: text}, text)) : h("span", {class: "muted"}, "empty")))
    const beside = [found.vectors && `vectors of ${number(found.vectors)} numbers`, found.layout && "a layout"].filter(Boolean)
    return h("section", {class: "card what-found", "aria-labelledby": "found-title"}, h("h3", {id: "found-title"}, `${number(found.items)} ${found.subject}`, h("span", {class: "muted"}, ` · ids ${found.ids}`)),
      found.drawn.length ? h("div", {class: "drawn"}, found.drawn.map((row) => h("img", {src: `/start/picture?key=${this.key}&row=${row}`, alt: "", loading: "lazy"}))) : null,
      beside.length ? h("p", {}, `Beside the columns: ${beside.join(" and ")}.`) : null,
      found.columns.length ? h("div", {class: "table", tabindex: "0", role: "region", "aria-label": "columns"}, h("table", {}, h("thead", {}, h("tr", {}, ["Column", "Taken as", "For example"].map((text) => h("th", {scope: "col"}, text)))), h("tbody", {}, found.columns.map(row)))) : h("p", {class: "muted"}, "No columns beside them."),
      found.left ? h("p", {class: "muted"}, `${number(found.left)} more columns are not shown`) : null,
      found.notes.length ? h("details", {open: found.notes.length <= 3}, h("summary", {}, plural(found.notes.length, "note")), h("ul", {class: "notes"}, found.notes.map((note) => h("li", {}, note)))) : null)
  }

  roleCard(columns, found) {
    const guessed = (role) => (found ? found.roles[role] || (role === "vectors" && found.vectors ? "yes" : role === "layout" && found.layout ? "yes" : "") : "")
    const select = (role, id, value, change, first) => h("select", {id, "aria-describedby": `${id}-hint`, onchange: (event) => change(event.target.value)},
      h("option", {value: ""}, first), columns.map((name) => h("option", {value: name, selected: name === value}, name)), value && !columns.includes(value) ? h("option", {value, selected: true}, value) : null)
    const lines = Object.entries(ROLE_WORDS).map(([role, [word, hint]]) => {
      const id = `role-${role}`
      const first = role === "label" ? "none" : guessed(role) ? (guessed(role) === "yes" ? "found" : `found: ${guessed(role)}`) : role === "id" ? "found by itself" : "none found"
      const also = (value) => Object.entries(found?.roles || {}).filter(([one, name]) => role === "id" && name === value && one !== "id") // a picture's path may well be its id
      const set = (value) => this.again({...this.roles, ...Object.fromEntries(also(value)), [role]: value}, id)
      let field
      if (role === "layout") {
        const [x, y] = (this.roles.layout || "").split(",")
        this.axes = [x || "", y || ""]
        const axis = (place) => (value) => { this.axes[place] = value; if (this.axes[1] || !this.axes[0]) { if (this.axes[0] || !this.axes[1]) set(this.axes.filter(Boolean).join(",")) } else if (columns.includes(value) && place === 0) this.halfway.hidden = false }
        this.halfway = h("span", {class: "muted", hidden: true}, "now choose its second column, or ", h("button", {type: "button", class: "link", onclick: () => set(this.axes[0])}, "use this array alone"))
        field = h("span", {class: "axes"}, select(role, id, x, axis(0), first), h("label", {class: "unseen", for: "role-layout-y"}, "Layout, second column"), select(role, "role-layout-y", y, axis(1), "–"), this.halfway)
      } else field = select(role, id, this.roles[role], set, first)
      return h("div", {class: `role ${this.roles[role] ? "chosen" : ""}`, title: hint}, h("label", {for: id}, word), field, h("span", {class: "unseen", id: `${id}-hint`}, hint), role === "layout" ? h("span", {class: "unseen", id: "role-layout-y-hint"}, hint) : null)
    })
    const usual = ["id", "text", "image", "label"]
    const shown = (role) => usual.includes(role) || this.roles[role] || guessed(role)
    const roles = Object.keys(ROLE_WORDS)
    return h("section", {class: "card roles", "aria-labelledby": "roles-title"}, h("h3", {id: "roles-title"}, "What is what"), h("p", {class: "muted"}, "Change it where the guess is wrong; it is read again."),
      lines.filter((line, place) => shown(roles[place])), h("details", {}, h("summary", {}, "More"), lines.filter((line, place) => !shown(roles[place]))))
  }

  keptCard(kept) {
    const [name, folder] = [kept.name, kept.folder.slice(0, -kept.name.length)]
    const there = kept.labels === null ? `New: ${name} is made when you start.` : `Continues ${name}: ${kept.labels ? plural(kept.labels, "label") : "no labels yet"}.`
    const place = (memory) => { this.memory = memory; this.go.disabled = Boolean(kept.problem) && !memory }
    const option = (memory, word, about) => h("label", {class: "choice"}, h("input", {type: "radio", name: "kept", checked: memory === this.memory, onchange: () => place(memory)}), h("span", {}, h("b", {}, word), h("span", {class: "muted"}, about)))
    const card = h("section", {class: "card kept", "aria-labelledby": "kept-title"}, h("h3", {id: "kept-title"}, "Where labels are kept"),
      kept.problem ? h("p", {class: "problem", role: "alert"}, kept.problem) : null,
      h("div", {role: "radiogroup", "aria-labelledby": "kept-title"}, option(false, there, ["In ", pathLine(folder)]), option(true, "In memory only", "Gone when explorer ends, unless exported.")), this.wrong, this.go)
    place(this.memory)
    return card
  }

  async again(roles, focus = null) {
    const words = Object.fromEntries(Object.entries(roles).filter(([, value]) => value))
    this.focusRole = focus
    try {
      const {key} = await tell("read", {source: this.source, roles: words})
      this.key = key
      history.replaceState(null, "", `#reading=${key}`)
    } catch (problem) { return this.failed({message: problem.message}) }
    this.bar = null
    this.body.classList.remove("two")
    await this.follow()
  }

  async start() {
    this.go.disabled = true
    this.go.textContent = "Starting…"
    try {
      const {address} = await tell("open", {key: this.key, memory: this.memory})
      location.assign(address)
    } catch (problem) {
      Object.assign(this.wrong, {hidden: false, textContent: problem.message})
      this.go.disabled = false
      this.go.textContent = "Start"
    }
  }
}
