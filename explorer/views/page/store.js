// What the page knows: a few named values that Python sets, and who wants to hear of each.

const SELECTS = ["select", "pick", "clear", "select_entry", "select_without", "invert", "expression", "select_neighbours", "entry_items", "replay",
  "select_disputed", "moved", "beside_select", "beside_pick", "select_torn"] // verbs after which the selection is another

class Store {
  constructor(send) { // gives the turn of what is sent, nothing for what is not
    this.values = {}
    this.sent = {} // by verb: the turn of the last message
    this.turns = {} // of each value of Python's: the last message of this page's that it knows of
    this.numbers = {} // of each value of Python's: the number of the message that set it
    this.listeners = new Map()
    this.send = (message) => {
      const turn = send(message)
      if (turn) this.sent[message.verb] = turn
      return turn
    }
  }

  on(names, listener) {
    for (const name of names.split(" ")) {
      if (!this.listeners.has(name)) this.listeners.set(name, [])
      this.listeners.get(name).push(listener)
    }
  }

  // What Python sets, as it is after a message of this page's; one that a newer message overtook is left.
  hear({set: values, turns, at = 0}, page) {
    const news = Object.entries(values).filter(([name]) => !(this.numbers[name] > at))
    for (const [name] of news) this.numbers[name] = at
    if (news.length) this.set(Object.fromEntries(news), turns?.[page] || 0)
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

  // Whether something is being selected, or another label set chosen, of which Python has not told yet.
  get selecting() { return SELECTS.some((verb) => this.behind("selection", this.sent[verb])) }

  get changingSet() { return this.behind("labels", this.sent.label_set) }

  get nothingSelected() { return !this.values.selection?.count && !this.selecting }

  get(name) {
    return this.values[name]
  }
}

// What a person chose last; it goes before a value of Python's that does not know of it yet.
class Chosen {
  constructor(store, name) { // name: of the value that Python sets
    Object.assign(this, {store, name, value: null, turn: 0})
  }

  take(value, turn) { Object.assign(this, {value, turn}) }

  or(value) { return this.store.behind(this.name, this.turn) ? this.value : value }
}
