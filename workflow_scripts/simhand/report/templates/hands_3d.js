"use strict";
(function () {
  const data = JSON.parse(document.getElementById("turned-data").textContent);
  const colours = ["#e4572e", "#f2a71b", "#3fa34d", "#2d8bba", "#8e5bb5"];
  const parents = [0, 0, 1, 2, 3, 0, 5, 6, 7, 0, 9, 10, 11, 0, 13, 14, 15, 0, 17, 18, 19];
  const spanMm = 270, gridMm = 50, steepest = 1.5, step = Math.PI / 18;
  const chosen = document.getElementById("turned-model"), list = document.getElementById("turned-hands");
  const camera = {yaw: 0, pitch: 0}, side = {yaw: Math.PI / 2, pitch: 0};
  let view = {yaw: 0.5, pitch: 0.35}, model = 0;

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };

  function card(hand) {
    const canvas = element("canvas", {tabIndex: 0});
    canvas.setAttribute("role", "img");
    const image = element("img", {src: hand.image, alt: `image of hand ${hand.id}`, width: 72, height: 72});
    const error = element("strong");
    const text = element("span", {}, error, element("small", {}, `${hand.kind} · ${hand.id}`));
    list.append(element("div", {}, canvas, element("p", {}, image, text)));
    canvas.addEventListener("pointerdown", (event) => canvas.setPointerCapture(event.pointerId));
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) turn(event.movementX / 100, event.movementY / 100);
    });
    canvas.addEventListener("keydown", (event) => {
      const turns = {ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step]};
      if (event.key === "Home") look(camera);
      else if (event.key in turns) turn(...turns[event.key]);
      else return;
      event.preventDefault();
    });
    return {hand, canvas, error};
  }

  function turn(right, down) {
    look({yaw: view.yaw + right, pitch: Math.max(-steepest, Math.min(steepest, view.pitch + down))});
  }

  function look(from) {
    view = {...from};
    requestAnimationFrame(drawAll);
  }

  // The camera's axes are x right, y down, z forward; what comes out is right, down, and towards the viewer.
  function turned([x, y, z]) {
    const [cosYaw, sinYaw] = [Math.cos(view.yaw), Math.sin(view.yaw)];
    const [cosPitch, sinPitch] = [Math.cos(view.pitch), Math.sin(view.pitch)];
    const right = cosYaw * x - sinYaw * z, forward = sinYaw * x + cosYaw * z;
    return [right, cosPitch * y - sinPitch * forward, -sinPitch * y - cosPitch * forward];
  }

  function draw({hand, canvas, error}) {
    const size = canvas.clientWidth, scale = size / spanMm, sharp = window.devicePixelRatio || 1;
    if (size === 0) return;
    canvas.dataset.view = `${view.yaw.toFixed(3)} ${view.pitch.toFixed(3)}`;
    canvas.width = canvas.height = Math.round(size * sharp);
    const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
    pen.scale(sharp, sharp);
    const truth = hand.truth, predicted = hand.predictions[model];
    const known = truth.filter((joint) => joint !== null);
    const middle = [0, 1, 2].map((axis) =>
      (Math.min(...known.map((joint) => joint[axis])) + Math.max(...known.map((joint) => joint[axis]))) / 2);
    const floor = Math.max(...known.map((joint) => joint[1])) + 10;
    const place = (point) => {
      const [right, down, near] = turned(point.map((value, axis) => value - middle[axis]));
      return {x: size / 2 + scale * right, y: size / 2 + scale * down, near};
    };
    const line = (from, to, colour, width) => {
      pen.strokeStyle = colour;
      pen.lineWidth = width;
      pen.beginPath();
      pen.moveTo(from.x, from.y);
      pen.lineTo(to.x, to.y);
      pen.stroke();
    };
    pen.lineCap = "round";
    for (let at = -2; at <= 2; at += 1) {
      const reach = 2 * gridMm, along = at * gridMm;
      const corner = (x, z) => place([middle[0] + x, floor, middle[2] + z]);
      line(corner(along, -reach), corner(along, reach), style.getPropertyValue("--line"), 1);
      line(corner(-reach, along), corner(reach, along), style.getPropertyValue("--line"), 1);
    }
    const bones = [];
    for (const [joints, width, shade] of [
      [truth, 5, () => style.getPropertyValue("--true-bone")],
      [predicted, 3, (joint) => colours[(joint - 1) >> 2]],
    ]) {
      for (let joint = 1; joint < parents.length; joint += 1) {
        if (joints[joint] === null || joints[parents[joint]] === null) continue;
        const [from, to] = [place(joints[parents[joint]]), place(joints[joint])];
        bones.push({from, to, width, colour: shade(joint), near: (from.near + to.near) / 2});
      }
    }
    bones.sort((one, other) => one.near - other.near);
    for (const bone of bones) line(bone.from, bone.to, bone.colour, bone.width * (1 + bone.near / 300));
    error.textContent = hand.errors_mm[model] === null ? "no error" : `${hand.errors_mm[model].toFixed(1)} mm`;
    canvas.setAttribute("aria-label",
      `Hand ${hand.id} in 3D, predicted by ${data.models[model]} and true; ${error.textContent}`);
  }

  chosen.append(...data.models.map((name, place) => element("option", {value: String(place)}, name)));
  const cards = data.hands.map(card);
  const drawAll = () => cards.forEach(draw);
  chosen.addEventListener("change", () => { model = Number(chosen.value); drawAll(); });
  document.getElementById("turned-front").addEventListener("click", () => look(camera));
  document.getElementById("turned-side").addEventListener("click", () => look(side));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
  new ResizeObserver(drawAll).observe(list);
  drawAll();
})();
