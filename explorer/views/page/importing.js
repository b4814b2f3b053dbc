// Labels from a file: it goes to the server in pieces, what is in it is shown, and then it is one action that can be undone.

const FILE_PIECE = 768 * 1024 // bytes a message; as text they are a third more
const LARGEST_FILE = 16 * 1024 * 1024
const FILES = ".csv,.tsv,.txt,.parquet,.jsonl,.ndjson,.json"

class ImportDialog {
  constructor(store, dialogs) {
    this.store = store
    this.dialogs = dialogs
    this.run = 0 // counts files, so that one that was given up sends no more
    store.on("importing", () => this.render())
  }

  open() {
    this.run += 1
    this.store.set({importing: null})
    this.file = h("input", {type: "file", accept: FILES, "aria-label": "file of labels", onchange: () => this.send(this.file.files[0])})
    this.body = h("div", {class: "importing", role: "status"})
    this.dialog = this.dialogs.open("Import labels", [
      h("p", {class: "muted"}, "A table with ids and labels: CSV, TSV, Parquet or JSON lines, up to 16 MB. Our own exports come back as they were."), this.file, this.body],
    [{text: "Import", class: "primary", run: () => this.give()}])
    this.dialog.classList.add("import-form")
    this.go = this.dialog.querySelector("footer .primary")
    this.dialog.addEventListener("close", () => { this.run += 1; this.dialog = null; this.store.send({verb: "import_close"}) })
    this.render()
  }

  async send(file) {
    if (!file) return
    const run = (this.run += 1)
    if (file.size > LARGEST_FILE) return this.store.set({importing: {state: "wrong", why: `${file.name} is too large: 16 MB are allowed here. Use session.import_labels for more, or cut it into parts.`}})
    this.store.set({importing: {state: "sending", name: file.name}})
    try {
      for (let at = 0; at === 0 || at < file.size; at += FILE_PIECE) {
        const data = await asText(file.slice(at, at + FILE_PIECE))
        if (run !== this.run) return
        this.store.send({verb: "import_piece", name: file.name, size: file.size, at, data})
      }
    } catch {
      this.store.set({importing: {state: "wrong", why: `${file.name} cannot be read by this browser; has it been moved or changed?`}})
    }
  }

  render() {
    if (!this.dialog) return
    const now = this.store.get("importing")
    if (now?.state === "done") return this.closeDialog()
    this.go.disabled = true
    this.go.textContent = "Import"
    const shows = {sending: () => "Sending…", reading: () => `Reading ${now.name}…`, wrong: () => this.wrong(now), read: () => this.read(now)}
    fill(this.body, now ? shows[now.state]?.() : [])
  }

  closeDialog() {
    const dialog = this.dialog
    dialog.close()
    dialog.remove()
  }

  wrong(now) {
    if (!now.whole) return h("p", {class: "message"}, now.why)
    const [id, label] = ["ids", "labels"].map((word) => h("input", {type: "text", maxlength: "500", "aria-label": `column of ${word}`}))
    return [h("p", {class: "message"}, now.why), h("div", {class: "pair"}, h("label", {}, "Ids are in the column", id), h("label", {}, "Labels are in the column", label)),
      h("div", {class: "line"}, button("Read again", () => this.columns(id.value, label.value), {class: "small"}))]
  }

  columns(id, label) { this.store.send({verb: "import_columns", id, label}) }

  read(now) {
    const columns = (chosen, word) => {
      const choice = h("select", {"aria-label": `column of ${word}`, onchange: () => this.columns(id.value, label.value)}, now.columns.map((name) => h("option", {value: name}, name)))
      choice.value = chosen
      return choice
    }
    const [id, label] = [columns(now.id, "ids"), columns(now.label, "labels")]
    const labels = this.store.get("labels")
    this.into = h("select", {"aria-label": "into which label set", onchange: () => this.count(now)}, labels.sets.map((name, place) => h("option", {value: String(place)}, name)), h("option", {value: "new"}, "new set…"))
    this.into.value = String(labels.sets.indexOf(labels.set))
    this.fresh = h("input", {type: "text", maxlength: "60", placeholder: "name of the new set", "aria-label": "name of the new label set", hidden: true})
    this.keep = h("select", {"aria-label": "labels that are there", onchange: () => this.count(now)}, h("option", {value: "replace"}, "are replaced"), h("option", {value: "keep"}, "are kept"))
    this.there = h("span", {})
    this.count(now)
    return [
      h("div", {class: "pair"}, h("label", {}, "Ids", id), h("label", {}, "Labels", label)),
      h("p", {}, now.unknowns ? `${number(now.known)} of ${plural(now.known + now.unknowns, "id")} are known here and have a label.` : `${plural(now.known, "labelled id")}, all of them known here.`),
      now.unknowns ? this.listed(`${number(now.unknowns)} ${now.unknowns === 1 ? "is" : "are"} not here: `, now.unknown, now.unknowns, [button("Copy", () => this.unknown("copy"), {class: "small"}), button("Download the list", () => this.unknown("download"), {class: "small"})]) : null,
      now.twices ? this.listed(`${number(now.twices)} ${now.twices === 1 ? "stands" : "stand"} there with different labels, the last one counts: `, now.twice, now.twices, []) : null,
      now.without ? h("p", {class: "muted"}, `${plural(now.without, "row")} without a label ${now.without === 1 ? "changes" : "change"} nothing.`) : null,
      now.categories.length ? h("p", {class: "found"}, now.categories.map(([name, count]) => h("span", {}, `${named(name)} `, h("span", {class: "count"}, number(count)))), now.more ? h("span", {class: "muted"}, `${number(now.more)} more`) : null) : null,
      h("div", {class: "pair"}, h("label", {}, "Into the label set", this.into, this.fresh), h("label", {}, this.there, this.keep)),
      h("p", {class: "muted notes"}, now.notes.join("; "), now.notes.length ? "." : "")]
  }

  // How many labels would be given, as the set and what happens to labels that are there are chosen.
  count(now) {
    const fresh = this.into.value === "new"
    const there = fresh ? 0 : now.labelled[this.store.get("labels").sets[Number(this.into.value)]] || 0
    const given = this.keep.value === "keep" ? now.known - there : now.known
    this.fresh.hidden = !fresh
    this.there.textContent = there ? `Labels that ${number(there)} of them have` : "Labels that are there"
    this.keep.disabled = !there
    this.go.disabled = !given
    this.go.textContent = given ? `Import ${plural(given, "label")}` : "Import"
  }

  listed(said, names, count, acts) {
    return h("p", {class: "some"}, said, h("span", {class: "ids"}, `${names.join(", ")}${count > names.length ? ", …" : ""}`), acts)
  }

  unknown(how) { this.store.send({verb: "import_unknown", how}) }

  give() {
    if (this.go.disabled) return
    const fresh = this.into.value === "new"
    if (fresh && !this.fresh.value.trim()) return this.fresh.focus()
    const into = fresh ? this.fresh.value.trim() : this.store.get("labels").sets[Number(this.into.value)]
    this.go.disabled = true
    this.store.save({verb: "import_labels", into, replace: this.keep.value === "replace"})
  }
}

function asText(blob) { // base64, which every connection takes
  return new Promise((resolve, reject) => {
    const reader = new FileReader()
    reader.onload = () => resolve(reader.result.slice(reader.result.indexOf(",") + 1))
    reader.onerror = () => reject(reader.error)
    reader.readAsDataURL(blob)
  })
}
