// The tab's title says which file is open, how far what runs is, and how many changes are not saved; and the tab has a picture.

const DOTS = [[9, 10, 4.5, "#0072b2"], [22, 8, 3.5, "#e69f00"], [24, 21, 5, "#d55e00"], [11, 23, 4, "#009e73"]]

class Title {
  constructor(store) {
    this.store = store
    store.on("data steps unsaved exporting", () => this.show())
  }

  show() {
    const data = this.store.get("data")
    if (!data?.served) return // in a notebook's cell the title is the notebook's
    this.mark()
    const [unsaved, going] = [this.store.get("unsaved"), this.going()]
    document.title = `${unsaved ? `(${number(unsaved)} not saved) ` : ""}${going ? `${going} · ${data.name}` : `${data.name} · explorer`}`
  }

  going() {
    const running = Object.values(this.store.get("steps") || {}).find((step) => step.state === "running") || this.store.get("exporting")
    if (!running) return ""
    return running.fraction > 0 ? `${Math.floor(100 * running.fraction)} %` : "working"
  }

  mark() {
    if (this.marked) return
    this.marked = true
    const dots = DOTS.map(([x, y, radius, color]) => `<circle cx="${x}" cy="${y}" r="${radius}" fill="${color}"/>`).join("")
    for (const old of document.head.querySelectorAll("link[rel~=icon]")) old.remove()
    document.head.append(h("link", {rel: "icon", type: "image/svg+xml", href: `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">${dots}</svg>`)}`}))
  }
}
