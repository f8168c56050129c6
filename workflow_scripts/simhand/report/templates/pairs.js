"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const step = 60;
  const find = (id) => document.getElementById(id);
  const controls = find("controls"), list = find("pairs"), more = find("more");
  const pairs = data.pairs.map(([anchor, partner, rank, distance]) => ({anchor, partner, rank, distance}));
  let onlyHand = null, matching = [], shown = 0;

  const element = (name, properties, ...children) => {
    const made = Object.assign(document.createElement(name), properties);
    made.append(...children);
    return made;
  };
  const recording = (hand) => data.hands[hand].recording;
  // Pairs without a distance come last, whichever way they are sorted.
  const byDistance = (a, b) =>
    (a.distance === null) - (b.distance === null) || (a.distance ?? 0) - (b.distance ?? 0);
  const byText = (a, b) => a.localeCompare(b, undefined, {numeric: true});
  const orders = {
    "distance": byDistance,
    "-distance": (a, b) => (a.distance === null) - (b.distance === null) || byDistance(b, a),
    "rank": (a, b) => a.rank - b.rank || byDistance(a, b),
    "anchor": (a, b) => a.anchor - b.anchor || a.rank - b.rank,
    "recording": (a, b) => byText(recording(a.anchor), recording(b.anchor)) || byDistance(a, b),
    "partner": (a, b) => byText(recording(a.partner), recording(b.partner)) || byDistance(a, b),
  };

  function prepare() {
    const ranks = [...new Set(pairs.map((pair) => pair.rank))].sort((a, b) => a - b);
    for (const rank of ranks) {
      const box = element("input", {type: "checkbox", value: String(rank), defaultChecked: true});
      find("ranks").append(element("label", {}, box, String(rank)));
    }
    const names = [...new Set(data.hands.map((hand) => hand.recording))].sort(byText);
    find("recordings").append(...names.map((name) => element("option", {value: name})));
  }

  function wanted() {
    const ranks = new Set([...find("ranks").querySelectorAll("input:checked")].map((box) => Number(box.value)));
    const limit = (id, otherwise) => (find(id).value === "" ? otherwise : Number(find(id).value));
    const nearest = limit("nearest", -Infinity), farthest = limit("farthest", Infinity);
    const bounded = find("nearest").value !== "" || find("farthest").value !== "";
    const name = find("recording").value.trim().toLowerCase();
    const names = (hand) => recording(hand).toLowerCase().includes(name);
    return (pair) =>
      ranks.has(pair.rank) &&
      (!bounded || (pair.distance !== null && pair.distance >= nearest && pair.distance <= farthest)) &&
      (name === "" || names(pair.anchor) || names(pair.partner)) &&
      (onlyHand === null || pair.anchor === onlyHand || pair.partner === onlyHand);
  }

  function handView(index, role) {
    const hand = data.hands[index];
    const time = hand.time_s === null ? "" : ` · ${hand.time_s.toFixed(1)} s`;
    const image = element("img", {src: hand.image, alt: `${role}, ${hand.side} hand of ${hand.video}`});
    const title = `hand ${hand.id}\nvideo ${hand.video}\nsource ${hand.source}\n\nClick: only pairs of this hand`;
    const look = element("button", {type: "button", className: "look", title}, image);
    look.addEventListener("click", () => { onlyHand = index; update(); });
    const name = element("button", {type: "button", className: "name", title: hand.recording}, hand.recording);
    name.addEventListener("click", () => { find("recording").value = hand.recording; update(); });
    return element("div", {}, look, name, element("small", {}, `${hand.side}${time}`));
  }

  function pairView(pair) {
    const distance = pair.distance === null ? "distance unknown" : `distance ${pair.distance.toFixed(3)}`;
    const head = element("p", {}, element("strong", {}, `Top-${pair.rank}`), element("span", {}, distance));
    const hands = element("div", {}, handView(pair.anchor, "anchor"), handView(pair.partner, "partner"));
    return element("figure", {}, head, hands);
  }

  function showMore() {
    list.append(...matching.slice(shown, shown + step).map(pairView));
    shown = Math.min(shown + step, matching.length);
    more.hidden = shown === matching.length;
    more.textContent = `Show more (${matching.length - shown} left)`;
  }

  function update() {
    matching = pairs.filter(wanted()).sort(orders[find("sort").value]);
    shown = 0;
    list.replaceChildren();
    find("hand").hidden = onlyHand === null;
    find("hand").textContent = onlyHand === null ? "" : `Only hand ${data.hands[onlyHand].id} ×`;
    find("count").textContent = `${matching.length.toLocaleString("en")} of ${pairs.length.toLocaleString("en")} pairs`;
    if (matching.length === 0) {
      list.append(element("p", {className: "none"}, "No pair is like this."));
    }
    showMore();
  }

  prepare();
  controls.addEventListener("input", update);
  controls.addEventListener("submit", (event) => event.preventDefault());
  controls.addEventListener("reset", () => { onlyHand = null; setTimeout(update); });
  find("hand").addEventListener("click", () => { onlyHand = null; update(); });
  more.addEventListener("click", showMore);
  update();
})();
