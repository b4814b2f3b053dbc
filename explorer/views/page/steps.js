// The three steps: a method, its settings made from their declarations, Run, progress and Stop.

class StepCard {
  constructor(store, kind) {
    this.store = store
    this.kind = kind
    this.more = false
    this.method = new Chosen(store, "steps")
    this.el = h("section", {class: "card step", "aria-label": kind})
    store.on("steps", () => this.render())
  }

  render() {
    const step = this.store.get("steps")[this.kind]
    const shape = JSON.stringify([step.method, step.methods, step.schema.map((setting) => [setting.name, setting.choices])])
    if (shape !== this.shape) {
      this.shape = shape
      keepingFocus(this.el, () => { this.build(step); this.update(this.store.get("steps")[this.kind]) })
      return
    }
    this.update(step)
  }

  build(step) {
    this.fields = new Map()
    const send = (message) => this.store.send({kind: this.kind, ...message})
    const field = (setting) => {
      const chosen = new Chosen(this.store, "steps")
      const made = settingField(setting, (value) => {
        chosen.take(value, send({verb: "setting", name: setting.name, value}))
        made.set(value)
      })
      made.show = (value) => made.set(chosen.or(value))
      this.fields.set(setting.name, made)
      return made.el
    }
    const method = h("select", {class: "method", "aria-label": `${step.title} method`, "data-key": `${this.kind}-method`,
      onchange: ({target: {value}}) => this.method.take(value, send({verb: "method", method: value}))},
    step.methods.map((name) => h("option", {value: name}, name)))
    this.choose = method
    const [basic, advanced] = [step.schema.filter((s) => !s.advanced), step.schema.filter((s) => s.advanced)]
    this.line = h("span", {class: "muted line grow"})
    this.run = button("Run", () => send({verb: "run"}), {"data-key": `${this.kind}-run`})
    this.stop = button("Stop", () => send({verb: "stop"}), {"data-key": `${this.kind}-stop`})
    this.bar = h("progress", {max: "1", value: 0, "aria-label": `${step.title} progress`})
    this.message = h("div", {class: "message", role: "alert"})
    this.notes = h("div", {class: "notes muted"})
    this.estimate = h("div", {class: "estimate muted"})
    this.grown = h("span", {class: "grow"})
    this.keep = h("div", {class: "grown muted"}, this.grown, button("Start from it", () => this.store.send({verb: "refit"}), {class: "small",
      title: "Lay out from the earlier map, so that items stay about where they were (umap's keep)", "data-key": "refit"}))
    const details = h("div", {class: "more", hidden: !this.more}, advanced.map(field), this.notes)
    const more = button("⋯", () => {
      this.more = details.hidden
      details.hidden = !this.more
      more.setAttribute("aria-expanded", String(this.more))
      more.classList.toggle("on", this.more)
    }, {class: `quiet${this.more ? " on" : ""}`, "aria-expanded": String(this.more), title: "More settings and notes", "aria-label": `more settings of ${step.title}`, "data-key": `${this.kind}-more`})
    fill(this.el, h("header", {}, h("h2", {}, step.title), h("span", {class: "grow"}), method, more), basic.map(field), step.method === "columns" && this.onWeigh ? button("Columns and weights…", () => this.onWeigh(), {class: "small weigh", "data-key": "weigh"}) : null, details, this.bar,
      this.message, this.kind === "reduce" ? this.keep : null, this.estimate, h("footer", {}, this.line, this.run, this.stop))
  }

  update(step) {
    this.choose.value = this.method.or(step.method)
    for (const [name, field] of this.fields) field.show(step.settings[name])
    const running = step.state === "running" || step.state === "waiting"
    this.el.classList.toggle("running", running)
    this.el.dataset.state = step.state
    this.run.hidden = running
    this.stop.hidden = !running
    this.stop.textContent = step.keeps ? "Stop and keep" : "Stop"
    this.stop.title = step.keeps ? "End here and keep the layout as it is now" : ""
    this.run.disabled = !step.ready
    this.run.title = step.ready ? step.doc : step.why
    this.run.classList.toggle("primary", Boolean(step.changed && step.ready))
    this.bar.hidden = !running
    if (step.fraction > 0) this.bar.value = step.fraction
    else this.bar.removeAttribute("value")
    this.line.textContent = running ? step.note : step.summary
    this.message.textContent = step.message || ""
    this.message.hidden = !step.message
    this.grown.textContent = step.grown
    this.keep.hidden = !step.grown
    this.estimate.textContent = step.estimate || ""
    this.estimate.hidden = !step.estimate
    this.line.title = this.line.textContent
    fill(this.notes, step.notes.map((note) => h("p", {}, note)))
  }
}

// One control for one declared setting: {el, set(value)}.
function settingField(setting, send) {
  const makers = {choice: choiceField, switch: switchField, integer: numberField, number: numberField, list: listField, text: textField, fixed: fixedField}
  const made = makers[setting.type](setting, send)
  const row = h("label", {class: `setting ${setting.type}`, title: `${setting.name}: ${setting.doc}`}, h("span", {class: "name"}, setting.name), made.el)
  return {el: row, set: made.set}
}

function choiceField(setting, send) {
  const el = h("select", {"data-key": setting.name, "aria-label": setting.name, onchange: () => send(setting.choices[el.selectedIndex])}, setting.choices.map((choice) => h("option", {}, choice === "" ? "none" : String(choice))))
  return {el, set: (value) => { el.selectedIndex = setting.choices.indexOf(value) }}
}

function switchField(setting, send) {
  const el = h("input", {type: "checkbox", "data-key": setting.name, onchange: () => send(el.checked)})
  return {el, set: (value) => { el.checked = value }}
}

function textField(setting, send) {
  const el = h("input", {type: "text", "data-key": setting.name, onchange: () => send(el.value), spellcheck: "false"})
  return {el, set: (value) => { if (!el.matches(":focus")) el.value = value ?? "" }}
}

// What the page shows and does not change: an object or a list as JSON has it.
function fixedField(setting) {
  const el = h("input", {type: "text", "data-key": setting.name, readonly: true, tabindex: "-1"})
  return {el, set: (value) => { el.value = value === null || value === undefined ? "none" : typeof value === "object" ? JSON.stringify(value) : String(value) }}
}

function listField(setting, send) {
  const made = textField(setting, (text) => send(text.split(",").map((part) => part.trim()).filter(Boolean)))
  made.el.placeholder = setting.name === "columns" ? "all" : ""
  return {el: made.el, set: (value) => made.set((value || []).join(", "))}
}

function numberField(setting, send) {
  const [low, high] = setting.softbounds.map((bound, place) => bound ?? setting.bounds[place])
  const step = setting.type === "integer" ? 1 : setting.step || "any"
  const box = h("input", {type: "number", class: "value", step: "any", "data-key": setting.name, "aria-label": setting.name,
    placeholder: setting.optional ? "auto" : "", onchange: () => send(box.value === "" && setting.optional ? null : Number(box.value)),
    onblur: () => setTimeout(() => show(known), 300)}) // what was refused gives way to what is set
  let known = null
  const show = (value) => { known = value; if (!box.matches(":focus")) box.value = value ?? "" }
  if (low === null || high === null || low === undefined || high === undefined || setting.optional || high - low > 1e6) {
    return {el: box, set: show}
  }
  const fine = setting.type === "integer" ? step : (high - low) / 100
  let waiting = null // what the person does now goes before what the server says of a moment ago
  const moved = () => {
    box.value = slider.value
    tint()
    clearTimeout(waiting)
    waiting = setTimeout(() => { waiting = null; send(Number(slider.value)) }, 180)
  }
  const slider = h("input", {type: "range", min: low, max: high, step: fine, "aria-label": setting.name, "data-key": `${setting.name}-slider`, oninput: moved})
  const tint = () => slider.style.setProperty("--at", `${(100 * (slider.value - low)) / (high - low || 1)}%`)
  const set = (value) => {
    known = value
    if (waiting || slider.matches(":active")) return
    show(value)
    slider.value = value
    tint()
  }
  return {el: h("span", {class: "range"}, slider, box), set}
}
