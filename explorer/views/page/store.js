// What the page knows: a few named values that Python sets, and who wants to hear of each.

class Store {
  constructor(send) {
    this.values = {}
    this.listeners = new Map()
    this.send = send
  }

  on(names, listener) {
    for (const name of names.split(" ")) {
      if (!this.listeners.has(name)) this.listeners.set(name, [])
      this.listeners.get(name).push(listener)
    }
  }

  set(values) {
    Object.assign(this.values, values)
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

  get(name) {
    return this.values[name]
  }
}
