"use strict";
// Only adds the figures under the pointer; the page is complete without it.
(() => {
  const report = JSON.parse(document.getElementById("report").textContent);
  const reading = document.getElementById("reading");
  const number = new Intl.NumberFormat("en-US");
  const three = (value) => {
    if (value >= 99.95) return number.format(Math.round(value));
    return value.toFixed(value >= 9.995 ? 1 : value >= 0.9995 ? 2 : 3);
  };
  const duration = (ns) => {
    if (ns === null || ns === undefined) return "–";
    if (ns < 99.95e3) return three(ns / 1e3) + " µs";
    if (ns < 999.5e6) return three(ns / 1e6) + " ms";
    return three(ns / 1e9) + " s";
  };
  const describe = (bin) => [
    "due at " + (bin.start_ns / 1e9).toFixed(3) + " s",
    "slowest    " + duration(bin.response_max_ns),
    "p99        " + duration(bin.response_p99_ns),
    "p50        " + duration(bin.response_p50_ns),
    "service    " + duration(bin.service_max_ns),
    number.format(bin.due) + " due, " + number.format(bin.acknowledged) + " acknowledged",
  ].join("\n");
  const find = (bins, at) => {
    let low = 0;
    let high = bins.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (bins[middle].start_ns <= at) low = middle; else high = middle - 1;
    }
    return bins[low];
  };
  for (const svg of document.querySelectorAll("svg[data-hover]")) {
    const scenario = (report.scenarios || [])[Number(svg.dataset.hover)];
    if (!scenario || scenario.timeline.length === 0) continue;
    const [left, right, from, to] = ["left", "right", "from", "to"].map((name) => Number(svg.dataset[name]));
    const cursor = svg.querySelector(".cursor");
    svg.addEventListener("pointermove", (event) => {
      const box = svg.getBoundingClientRect();
      const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
      if (x < left || x > right) { hide(); return; }
      const bin = find(scenario.timeline, from + (x - left) / (right - left) * (to - from));
      const middle = left + (bin.start_ns + bin.width_ns / 2 - from) / (to - from) * (right - left);
      cursor.setAttribute("x1", middle);
      cursor.setAttribute("x2", middle);
      cursor.setAttribute("visibility", "visible");
      reading.textContent = describe(bin);
      reading.hidden = false;
      const beside = event.clientX + 18 + reading.offsetWidth > window.innerWidth;
      reading.style.left = (beside ? event.clientX - 18 - reading.offsetWidth : event.clientX + 18) + "px";
      reading.style.top = Math.min(event.clientY + 12, window.innerHeight - reading.offsetHeight - 8) + "px";
    });
    const hide = () => { reading.hidden = true; cursor.setAttribute("visibility", "hidden"); };
    svg.addEventListener("pointerleave", hide);
  }
})();
