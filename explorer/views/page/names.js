// Names on the map: larger groups first, none over another, more of them as one zooms in.

function drawNames(context, camera, names, ink, paper) {
  const taken = []
  context.font = "600 12px Inter, system-ui, sans-serif"
  context.textAlign = "center"
  context.textBaseline = "middle"
  context.lineJoin = "round"
  for (const {text, x, y, cluster} of names) {
    const [px, py] = camera.toPixel(x, y)
    const half = context.measureText(text).width / 2 + 4
    const box = [px - half, py - 9, px + half, py + 9]
    const outside = box[0] < 2 || box[2] > camera.width - 2 || box[1] < 2 || box[3] > camera.height - 2
    if (outside || taken.some((other) => overlap(box, other.box))) continue
    taken.push({box, cluster})
    context.strokeStyle = paper
    context.lineWidth = 4
    context.strokeText(text, px, py)
    context.fillStyle = ink
    context.fillText(text, px, py)
  }
  return taken
}

function overlap(a, b) {
  return a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3]
}
