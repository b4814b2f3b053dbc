// The player: one sound at a time. Wherever a sound is drawn stands a button that plays it, and a line moves over the drawing meanwhile.

class Player {
  constructor(store, toast) {
    this.store = store
    this.toast = toast
    this.audio = new Audio()
    this.row = null // whose sound is asked for, or played
    this.figures = new Map() // row -> where it is drawn; what is no longer on the page is forgotten
    this.audio.addEventListener("ended", () => this.stop())
  }

  // A sound's drawing with a button and a line over it.
  figure(row, drawing) {
    const el = h("div", {class: "sound"}, drawing, h("i", {class: "at"}),
      h("button", {type: "button", class: "play", onclick: (event) => { event.stopPropagation(); this.toggle(row) }}))
    if (this.figures.size > 5000) for (const [other, all] of this.figures) if (!all.some((one) => one.deref())) this.figures.delete(other)
    const known = (this.figures.get(row) || []).filter((one) => one.deref())
    this.figures.set(row, [...known, new WeakRef(el)])
    this.show(row)
    return el
  }

  toggle(row) { this.row === row ? this.stop() : this.play(row) }

  play(row) {
    this.stop()
    this.row = row
    this.show(row)
    this.store.send({verb: "sound", row})
    if (this.store.get("connected") === false) this.stop()
  }

  stop() {
    const row = this.row
    this.row = null
    this.audio.pause()
    if (this.url) URL.revokeObjectURL(this.url)
    this.url = null
    if (row !== null) this.show(row)
  }

  async onSound({row, wav, seconds, cut, why}) {
    if (row !== this.row || this.url) return // another is wanted by now
    if (why) { this.stop(); return this.toast({text: why, tone: "error"}) }
    if (cut) this.toast({text: "The first minute of a longer sound is played"})
    this.seconds = seconds
    this.url = this.audio.src = URL.createObjectURL(new Blob([wav], {type: "audio/wav"}))
    try { await this.audio.play() } catch (problem) {
      if (problem.name === "AbortError") return // it was stopped before it began
      this.stop()
      return this.toast({text: "this browser could not play the sound", tone: "error"})
    }
    this.follow()
  }

  follow() {
    if (this.row === null) return
    this.show(this.row)
    requestAnimationFrame(() => this.follow())
  }

  show(row) {
    const now = row === this.row
    const at = now && this.url ? `${(100 * this.audio.currentTime) / this.seconds}%` : "0"
    for (const one of this.figures.get(row) || []) {
      const el = one.deref()
      if (!el) continue
      const [line, play] = [...el.children].slice(-2)
      line.style.left = at
      if (el.dataset.state === (now ? "playing" : "")) continue
      el.dataset.state = now ? "playing" : ""
      play.textContent = now ? "■" : "▶"
      play.setAttribute("aria-label", now ? "stop" : "play")
      play.title = now ? "Stop (Space)" : "Play (Space)"
    }
  }
}
