// What is dropped onto a page: files, and folders with all that is in them.

const MOST_DROPPED = 50000 // files at once; the server takes no more

// {path, file} for each file that was dropped; folders are gone through, hidden files are left out. Must be called while the event is.
async function droppedFiles(transfer) {
  const entries = [...transfer.items].map((item) => (item.kind === "file" ? item.webkitGetAsEntry?.() || item.getAsFile() : null)).filter(Boolean)
  const found = []
  for (const entry of entries) await gather(entry, "", found)
  return found
}

async function gather(entry, folder, found) {
  if (entry.name.startsWith(".") || found.length > MOST_DROPPED) return
  const path = folder + entry.name
  if (entry instanceof File) found.push({path, file: entry})
  else if (entry.isFile) found.push({path, file: await new Promise((done, failed) => entry.file(done, failed))})
  else if (entry.isDirectory) {
    const reader = entry.createReader()
    const children = []
    for (;;) { // a reader gives a hundred at a time
      const some = await new Promise((done, failed) => reader.readEntries(done, failed))
      if (!some.length) break
      children.push(...some)
    }
    for (const child of children.sort((a, b) => (a.name < b.name ? -1 : 1))) await gather(child, `${path}/`, found)
  }
}

const carriesFiles = (event) => Boolean(event.dataTransfer && [...event.dataTransfer.types].includes("Files"))
const ofField = (event) => event.composedPath().some((el) => el.matches?.("input[type=file], dialog")) // which takes it itself

// On the dashboard: a file is opened in another tab, where the server has a start page; else it is not taken, and the page stays.
class Dropping {
  constructor(store, dialogs) {
    Object.assign(this, {store, dialogs})
    this.over = (event) => { if (carriesFiles(event) && !ofField(event)) { event.preventDefault(); event.dataTransfer.dropEffect = this.start ? "copy" : "none" } }
    this.drop = (event) => { if (carriesFiles(event) && !ofField(event)) { event.preventDefault(); if (this.start) this.ask(event.dataTransfer) } }
    document.addEventListener("dragover", this.over)
    document.addEventListener("drop", this.drop)
  }

  // In a window of its own the file is not sent: Python knows where it lies.
  get start() { return window.pywebview ? "" : this.store.get("data")?.start?.address || "" }

  async ask(transfer) {
    const files = await droppedFiles(transfer).catch(() => [])
    if (!files.length) return this.dialogs.toast({text: "nothing in there could be read; drop a file or a folder", tone: "error"})
    const roots = [...new Set(files.map(({path}) => path.split("/")[0]))]
    const name = roots.length === 1 ? roots[0] : `${number(roots.length)} files`
    const run = (close) => { this.open(files); close() }
    this.dialogs.open(`Open ${name}?`, [h("p", {}, "It opens beside this page, in a new tab; nothing here changes. To bring labels in, use Import in the Labels tab.")],
      [{text: "Open in a new tab", class: "primary", run}])
  }

  // The new tab asks for the files when it is ready.
  open(files) {
    const tab = window.open(`${this.start}#dropped`, "_blank")
    if (!tab) return this.dialogs.toast({text: "the browser did not let a new tab open; allow it for this page, then drop the file again", tone: "error"})
    const give = (event) => {
      if (event.source !== tab || event.origin !== location.origin || event.data?.explorer !== "ready") return
      window.removeEventListener("message", give)
      tab.postMessage({explorer: "dropped", files}, location.origin)
    }
    window.addEventListener("message", give)
  }

  end() {
    document.removeEventListener("dragover", this.over)
    document.removeEventListener("drop", this.drop)
  }
}
