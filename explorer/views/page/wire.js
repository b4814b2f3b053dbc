// What connects the page with Python: Panel's component in an app, anywidget's model in a notebook's cell. The page knows neither.

const SILENCE = 5000 // milliseconds without an answer after which a person is told

// A page's own name: whose pictures are whose, and whether it is still there.
const nameOfPage = () => [...crypto.getRandomValues(new Uint32Array(2))].map((part) => part.toString(36)).join("")

// Panel: messages are plain objects, bytes and all.
function panelWire(model, view) {
  const page = view?.model?.document
  const id = nameOfPage()
  return {
    id, served: model.served, areas: model.areas, send: (message) => model.send_msg({...message, of: id}),
    listen: (onMessage) => model.on("msg:custom", onMessage),
    onLost: (lost, back) => { page?.on_event?.("connection_lost", lost); page?.on_event?.("client_reconnected", back) },
    onGone: (gone) => model.on("lifecycle:remove", gone),
  }
}

// A widget's messages are JSON with the bytes beside it; {"$": place} stands where they belong, and numbers JSON has no word for by name.
function unpacked(value, buffers) {
  if (Array.isArray(value)) return value.map((part) => unpacked(part, buffers))
  if (value === null || typeof value !== "object") return value
  if (typeof value.$ === "number") {
    const bytes = buffers[value.$]
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength)
  }
  if (typeof value.$ === "string") return Number(value.$)
  return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, unpacked(part, buffers)]))
}

function widgetWire(model) {
  const [id, gone, lost] = [nameOfPage(), [], []]
  let hear = null
  const onMessage = (message, buffers) => hear(unpacked(message, buffers || []))
  const onHide = (event) => { if (!event.persisted) wire.send({verb: "gone"}) } // reloaded: nobody cleans up; a kept page may come back
  const onLive = () => setTimeout(() => wire.send({verb: "ready"})) // JupyterLab says so when a kernel restarts: is Python still there?
  const wire = {
    id, served: false, areas: model.get("areas"), advice: model.get("advice"), still: model.get("still"), height: model.get("height"),
    send: (message) => {
      try { model.send({...message, of: id}) } catch { for (const callback of lost) callback() } // the kernel that had it is gone
    },
    listen: (listener) => { hear = listener; model.on("msg:custom", onMessage); model.on("comm_live_update", onLive) },
    onLost: (callback) => lost.push(callback), onGone: (callback) => gone.push(callback),
    end: () => {
      window.removeEventListener("pagehide", onHide)
      model.off("msg:custom", onMessage)
      model.off("comm_live_update", onLive)
      for (const callback of gone) callback()
    },
  }
  window.addEventListener("pagehide", onHide)
  return wire
}

// A cell that Python does not answer must say so: the kernel is busy or gone, or messages do not come through at all.
class Silence {
  constructor(root, advice) {
    this.advice = advice
    this.answered = false
    this.el = h("p", {class: "trouble silence", role: "alert", hidden: true})
    root.append(this.el)
  }

  asked() {
    this.timer = this.timer || setTimeout(() => this.tell(), SILENCE)
  }

  heard() {
    clearTimeout(this.timer)
    this.timer = null
    this.answered = true
    this.el.hidden = true
  }

  tell() {
    this.say(this.answered ? "Python has not answered for five seconds: it is busy with a cell, or it was restarted. In that case run this cell again."
      : `Python does not answer this cell. If it is not busy with another cell, the notebook's connection to it does not work. ${this.advice}`)
  }

  lost() {
    this.say("The Python that made this map is not there any more: it was restarted or stopped. Run this cell again.")
  }

  say(text) {
    this.el.hidden = false
    this.el.textContent = text
  }
}
