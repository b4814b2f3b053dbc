// What a screen reader is told without asking: how many are selected, and that a step has begun or ended; once, when it has come to rest.

const CALM = 600 // milliseconds without another change

class Voice {
  constructor(store) {
    this.store = store
    this.el = h("div", {class: "unseen voice", role: "status", "aria-live": "polite"})
    this.states = {}
    this.waiting = new Map()
    store.on("selection labels", () => this.count())
    store.on("steps", () => this.steps())
    store.on("spoken", ({spoken}) => this.say("pointed at", spoken))
  }

  count() {
    const [selection, labels] = [this.store.get("selection"), this.store.get("labels")]
    if (!selection || !labels) return
    const hidden = selection.hidden ? `, ${number(selection.hidden)} of them hidden` : ""
    const text = selection.count ? `${number(selection.count)} of ${number(labels.total)} selected${hidden}` : "nothing selected"
    if (text !== this.counted && this.counted !== undefined) this.say("count", text)
    this.counted = text
  }

  steps() {
    for (const {title, state, message} of Object.values(this.store.get("steps"))) {
      const before = this.states[title]
      this.states[title] = state
      if (before === undefined || before === state || message) continue // a message is an alert of its own
      if (state === "running") this.say(title, `${title}: running`)
      else if (before === "running") this.say(title, `${title}: ${state === "done" ? "done" : "stopped"}`)
    }
  }

  // Of several of one kind only the last is said; what is merely pointed at comes after all else and takes no other's place.
  say(kind, text) {
    this.waiting.set(kind, text)
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.next(), CALM)
  }

  next() {
    const [kind] = [...this.waiting.keys()].sort((one, other) => (one === "pointed at") - (other === "pointed at"))
    this.el.textContent = this.waiting.get(kind)
    this.waiting.delete(kind)
    if (this.waiting.size) this.timer = setTimeout(() => this.next(), CALM)
  }
}
