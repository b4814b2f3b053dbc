// What was asked to be saved, and whether it is: every labelling action has an id and is kept until the server says that it is on disk.

const UNSAVED = "explorer-unsaved"
const SLOW = 400 // milliseconds after which a person is told that something is being saved
const ASK_AGAIN = 1500 // milliseconds between two looks whether a server that went away is back

class Saving {
  constructor(store, toast) {
    this.store = store
    this.toast = toast
    this.pending = new Map() // by action id: the message as it was sent
    this.failed = 0
    this.el = h("span", {class: "saving", role: "status", "aria-live": "polite"})
    store.save = (message) => this.save(message)
    window.explorerSaved = window.explorerSaved || [] // what the page called saved, for who checks that it was
    this.recall()
    this.render()
    store.on("data", () => this.render())
    store.on("connected", ({connected}) => { this.render(); if (connected === false) this.watch() })
  }

  // The selection's rule goes along in what is kept: should the server be gone meanwhile, a new visit knows what was meant.
  save(message) {
    if (this.store.get("connected") === false) {
      this.toast({text: "not saved: the connection is lost; labelling is off until the server is back", tone: "error"})
      return
    }
    const action = `${Date.now().toString(36)}-${[...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join("")}`
    const {rule, on, count} = (!this.store.selecting && this.store.get("selection")) || {rule: null} // better none than the one before
    const set = this.store.changingSet ? null : this.store.get("labels")?.set
    this.pending.set(action, {...message, action, meant: {of: this.store.get("data")?.of, set, rule, on, count}})
    this.keep()
    this.store.send({...message, action})
    setTimeout(() => this.render(), SLOW)
  }

  onSaved({action, why}) {
    const message = this.pending.get(action)
    if (!message) return
    this.pending.delete(action)
    this.keep()
    if (why) this.failed += 1
    else {
      this.failed = 0
      window.explorerSaved.push(action)
    }
    this.render()
  }

  // The server is there (again): what it has not answered is sent once more, under its old name, so that it stands once.
  again() {
    for (const message of this.pending.values()) this.store.send({...message, again: true})
    if (this.pending.size) setTimeout(() => this.render(), SLOW)
  }

  keep() {
    try {
      if (this.pending.size) sessionStorage.setItem(UNSAVED, JSON.stringify([...this.pending.values()]))
      else sessionStorage.removeItem(UNSAVED)
    } catch { /* a private window keeps nothing, and a full one no more */ }
  }

  recall() {
    try {
      for (const message of JSON.parse(sessionStorage.getItem(UNSAVED) || "[]")) this.pending.set(message.action, message)
    } catch { /* as above */ }
  }

  render() {
    const off = this.store.get("connected") === false
    const [count, failed] = [this.pending.size, this.failed]
    if (count !== this.store.get("unsaved")) this.store.set({unsaved: count}) // a tab's title says so
    this.el.classList.toggle("bad", Boolean(failed) || (off && count > 0))
    if (off && count) this.el.textContent = `${count} not yet saved`
    else if (count) this.el.textContent = `saving ${count}…`
    else if (failed) this.el.textContent = "the last change was not saved"
    else this.el.textContent = this.store.get("data")?.durable ? "all saved" : ""
  }

  // After a server's end the page's own session is gone too: as soon as the server answers, the page is loaded anew.
  watch() {
    if (!this.store.get("data")?.served || this.watching) return
    this.watching = setInterval(async () => {
      if (this.store.get("connected") !== false) {
        clearInterval(this.watching)
        this.watching = null
        return
      }
      try {
        await this.ask()
        if (this.answered) location.reload() // it answered twice, and the old session was not taken up again
        this.answered = true
      } catch { this.answered = false }
    }, ASK_AGAIN)
  }

  // Whether this page's own server is there; a picture that it serves will do, so that the page needs no way to fetch anything.
  ask() {
    return new Promise((resolve, reject) => {
      const picture = new Image()
      picture.onload = resolve
      picture.onerror = reject
      picture.src = `favicon.ico?at=${Date.now()}`
    })
  }
}
