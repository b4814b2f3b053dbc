// The address carries the view: what the server says of it and where the map looks, behind the #, which goes to no server.

const REST = 400 // milliseconds between two changes of the address

class Address {
  constructor(store, map) {
    this.store = store
    this.map = map
    this.written = null // what stands in the address by our hand, and as it was given
    this.said = null
    map.layers.push(this)
    store.on("link", () => this.later())
    store.on("share", () => this.share())
    this.follow = () => this.onHash()
  }

  get served() { return Boolean(this.store.get("data")?.served) }

  // The page is new: what its address asks for is asked of the server, which says from then on what the address is to say.
  begin(served) {
    if (!served) return
    window.addEventListener("hashchange", this.follow)
    this.ask()
  }

  end() { window.removeEventListener("hashchange", this.follow) }

  // A link was pasted into this tab, or the browser went back to one.
  onHash() { if (location.hash !== this.written) this.ask() }

  ask() {
    clearTimeout(this.timer) // what it was to say is overtaken
    this.timer = null
    this.written = location.hash
    this.said = null
    this.store.send({verb: "link", fields: fieldsOf(location.hash)})
  }

  paint(_, camera) { // whenever the map is painted
    const viewport = String(camera.viewport)
    if (viewport !== this.seen) this.later()
    this.seen = viewport
  }

  later() {
    if (this.timer || !this.served) return
    this.timer = setTimeout(() => { this.timer = null; this.write() }, REST)
  }

  get hash() {
    const fields = {...this.store.get("link")}
    const {camera, moved} = this.map
    if (moved && fields.layout) fields.camera = String(seenBy(camera))
    return `#${Object.entries(fields).map(([name, text]) => `${name}=${plainly(text)}`).join("&")}`
  }

  write() {
    if (!this.store.get("link") || !this.served) return
    if (location.hash !== this.written) return this.onHash() // the browser went back a moment ago: to write now would undo that
    const hash = this.hash
    if (hash === location.hash || hash === this.said) return
    try {
      history.replaceState(history.state, "", hash)
      this.said = hash
      this.written = location.hash
    } catch { /* too often for this browser: the next change comes */ }
  }

  // Without what stands behind a question mark: that may be a token that lets in.
  share() {
    if (!this.store.get("link")) return
    this.write()
    const local = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)
    const reach = local ? "It opens on this computer while this server runs." : "It opens while this server runs, for whoever may log in there."
    this.store.set({copy: [`${location.origin}${location.pathname}${this.hash}`, "the link", `Link copied: ${this.carries()}. ${reach}`]})
  }

  carries() {
    const {filters, hidden, selection, selected, layout} = this.store.get("link")
    const count = filters ? Object.keys(JSON.parse(filters)).length : 0
    const parts = [layout && "layout", "colour", count && plural(count, "filter"), hidden && "what the legend hides", this.map.moved && layout && "the part of the map", selection && "the selection"].filter(Boolean)
    const said = parts.length > 1 ? `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}` : parts.join("")
    return selected ? `${said}, but not the selection of ${number(selected)} items, which is too long for it` : said
  }
}

// Where a camera looks, with no more digits than a tenth of a pixel has.
function seenBy(camera) {
  const digits = Math.min(20, Math.max(0, 1 - Math.floor(Math.log10(camera.scale))))
  return camera.viewport.map((value) => Number(value.toFixed(digits)))
}

// Escapes what an address must not have; commas, colons and slashes may stand there, and are read more easily.
const plainly = (text) => encodeURIComponent(text).replace(/%(2C|3A|2F)/g, (code) => decodeURIComponent(code))

function fieldsOf(hash) {
  return Object.fromEntries(hash.replace(/^#/, "").split("&").filter((part) => part.includes("=")).map((part) => {
    const [name, ...rest] = part.split("=")
    try { return [name, decodeURIComponent(rest.join("="))] } catch { return [name, rest.join("=")] }
  }))
}
