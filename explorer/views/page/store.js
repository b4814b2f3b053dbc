// What the page knows: a few named values that Python sets, and who wants to hear of each.

class Store {
  constructor(send) { // gives the turn of what is sent, nothing for what is not
    this.values = {}
    this.turns = {} // of each value of Python's: the last message of this page's that it knows of
    this.listeners = new Map()
    this.send = send
  }

  on(names, listener) {
    for (const name of names.split(" ")) {
      if (!this.listeners.has(name)) this.listeners.set(name, [])
      this.listeners.get(name).push(listener)
    }
  }

  set(values, turn = null) {
    Object.assign(this.values, values)
    if (turn !== null) for (const name of Object.keys(values)) this.turns[name] = turn
    const called = new Set()
    for (const name of Object.keys(values)) {
      for (const listener of this.listeners.get(name) || []) {
        if (!called.has(listener)) {
          called.add(listener)
          listener(this.values)
        }
      }
    }
  }

  // Whether a value was made before Python heard a message: what a person has done since goes before it.
  behind(name, turn) {
    return (this.turns[name] || 0) < (turn || 0)
  }

  get(name) {
    return this.values[name]
  }
}
