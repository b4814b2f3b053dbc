// What the map waits for, said in the map itself: where the cards of the steps are not shown, nothing else says it.

const BEFORE_A_MAP = ["extract", "reduce"]

class Waiting {
  constructor(store) {
    this.store = store
    this.kind = ""
    this.text = h("div", {class: "muted", role: "status"})
    this.bar = h("progress", {max: "1", "aria-label": "progress of the step"})
    this.estimate = h("div", {class: "muted"})
    this.run = button("Run", () => store.send({verb: "run", kind: this.kind}), {class: "primary", "data-key": "map-run"})
    this.el = h("div", {class: "map-waiting"}, this.text, this.bar, this.estimate, this.run)
    store.on("steps", ({steps}) => this.render(steps))
  }

  // The step that is in the way: what runs, else what comes next, else what says why it did not run, else what was not run.
  inTheWay(steps) {
    const kinds = BEFORE_A_MAP.filter((kind) => steps[kind])
    const first = (fits) => kinds.find((kind) => fits(steps[kind]))
    return first((step) => step.state === "running") || first((step) => step.state === "waiting") || first((step) => step.message) || first((step) => step.state === "empty")
  }

  render(steps) {
    this.kind = this.inTheWay(steps)
    const step = steps[this.kind]
    this.el.hidden = !step
    if (!step) return
    const runs = step.state === "running" || step.state === "waiting"
    const said = `${step.title} (${step.method}): ${runs ? step.note : step.message || step.why || step.summary}`
    if (this.text.textContent !== said) this.text.textContent = said // or what is read aloud would be read again at each look
    this.text.classList.toggle("bad", !runs && Boolean(step.message))
    this.bar.hidden = !runs
    if (step.fraction > 0) this.bar.value = step.fraction
    else this.bar.removeAttribute("value")
    this.estimate.textContent = runs ? "" : step.estimate || ""
    this.estimate.hidden = !this.estimate.textContent
    this.run.hidden = runs
    this.run.disabled = !step.ready
  }
}
