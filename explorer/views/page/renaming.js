// A cluster becomes a category by a key, and names are written anew where they stand on the map.

class Renaming {
  constructor(store, map, toast) {
    this.store = store
    this.map = map
    this.toast = toast
    this.target = null
    this.input = h("input", {type: "text", class: "rename", maxlength: "200", hidden: true})
    this.input.addEventListener("keydown", (event) => this.onKey(event))
    this.input.addEventListener("blur", () => this.end())
    map.area.append(this.input)
    map.layers.push(this)
  }

  // The name under the pointer, or the cluster of the item there.
  pointed() {
    const {pointer, hovered} = this.map
    const name = pointer && this.map.nameAt(...pointer)
    if (name) return name
    if (!hovered || !(hovered.cluster >= 0)) return null
    const named = (this.store.get("names") || []).find(({cluster}) => cluster === hovered.cluster)
    return {cluster: hovered.cluster, text: named ? named.text : `cluster ${hovered.cluster}`, x: hovered.x, y: hovered.y}
  }

  label() {
    const target = this.pointed()
    if (!target) return this.nothing("C")
    if (target.category !== undefined) return this.toast({text: `“${target.text}” is a category already; R renames it`})
    this.store.save({verb: "label_cluster", cluster: target.cluster, name: null})
  }

  begin(target = this.pointed()) {
    if (!target) return this.nothing("R")
    this.target = {...target, box: target.box && [...target.box]}
    this.input.value = target.text
    this.input.setAttribute("aria-label", target.category === undefined ? `name for the cluster ${target.text}` : `new name of ${target.text}`)
    this.input.hidden = false
    this.map.clearHover()
    this.paint(null, this.map.camera)
    this.input.focus({preventScroll: true})
    this.input.select()
  }

  nothing(key) { this.toast({text: `point at a name on the map, or at an item of a cluster, then press ${key}`}) }

  onKey(event) {
    event.stopPropagation()
    if (event.isComposing || !["Enter", "Escape"].includes(event.key)) return
    event.preventDefault()
    const [target, name] = [this.target, this.input.value.trim()]
    this.end()
    this.map.canvas.focus({preventScroll: true})
    if (event.key === "Escape" || !name) return
    if (target.category === undefined) this.store.save({verb: "label_cluster", cluster: target.cluster, name})
    else if (name !== target.category) this.store.save({verb: "rename", name: target.category, to: name})
  }

  end() {
    this.target = null
    this.input.hidden = true
  }

  // The box goes where its name goes.
  paint(context, camera) {
    if (!this.target) return
    const now = (this.map.named || []).find(({cluster, category}) => cluster === this.target.cluster && category === this.target.category)
    const box = now?.box
    const [px, py] = box ? [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2] : camera.toPixel(this.target.x, this.target.y)
    const [width, height] = [this.input.offsetWidth, this.input.offsetHeight]
    this.input.style.left = `${Math.max(4, Math.min(camera.width - width - 4, px - width / 2))}px`
    this.input.style.top = `${Math.max(4, Math.min(camera.height - height - 4, py - height / 2))}px`
  }
}
