"use strict";
// Asks first what reading would cost, reads what is little on its own, and draws the summary.

const READ_AT_ONCE = 60; // requests; more than that is offered, since they may be money
const MONTH = 29; // days back from today, when the address does not say
const byId = (id) => document.getElementById(id);
const number = new Intl.NumberFormat("en");
const percent = new Intl.NumberFormat("en", { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
const dayName = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const shortDay = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
const several = (count, noun) => `${number.format(count)} ${noun}${count === 1 ? "" : "s"}`;
const query = new URLSearchParams(location.search);
let running = new AbortController();
let summary = null;
let day = 0;

// ------------------------------------------------------------------ asking

class Refused extends Error {
  constructor(problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

async function ask(path, signal) {
  const key = sessionStorage.getItem("key");
  // No header can carry it, so the server could not even refuse it.
  if (key && !/^[\x21-\x7e]+$/.test(key)) throw new Refused({ reason: "api_key_refused" });
  const answer = await fetch(`${path}?${query}`, { signal, headers: key ? { "X-API-Key": key } : {} });
  if (answer.ok) return answer;
  const isProblem = (answer.headers.get("content-type") || "").startsWith("application/problem+json");
  throw new Refused(isProblem ? await answer.json() : { detail: `The server answers ${answer.status}.` });
}

// EventSource can send no header, and would ask again, and pay again, after the end.
async function* events(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value;
    let end;
    while ((end = text.indexOf("\n\n")) >= 0) {
      const lines = text.slice(0, end).split("\n");
      text = text.slice(end + 2);
      const field = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2)).join("\n");
      if (field("event")) yield { name: field("event"), data: JSON.parse(field("data")) };
    }
  }
}

async function start() {
  running.abort();
  running = new AbortController();
  const { signal } = running;
  byId("offer").hidden = byId("key").hidden = byId("figures").hidden = true;
  try {
    say("Asking how many sessions there are.");
    const cost = await (await ask("sessions/count", signal)).json();
    if (cost.requests <= READ_AT_ONCE) return await read(signal);
    say(`${several(cost.count, "session")}: reading them takes ${several(cost.requests, "request")}.`);
    byId("offer").hidden = false;
    byId("read").onclick = () => read(signal).catch(fail);
  } catch (error) {
    fail(error);
  }
}

async function read(signal) {
  byId("offer").hidden = true;
  const bar = byId("progress");
  bar.value = 0;
  say("Reading.");
  try {
    for await (const { name, data } of events(await ask("sessions/events", signal))) {
      if (name === "failed") throw new Refused(data);
      if (name === "end") {
        summary = data;
        bar.hidden = true;
        return draw();
      }
      bar.hidden = false;
      bar.value = data.total ? data.rows / data.total : 0;
      byId("progress").textContent = percent.format(bar.value);
    }
  } finally {
    bar.hidden = true;
  }
  throw new Error("The answer was cut off. Show it again.");
}

function fail(error) {
  if (error.name === "AbortError") return;
  const reason = error.problem && error.problem.reason;
  if (reason === "api_key_missing" || reason === "api_key_refused") {
    sessionStorage.removeItem("key");
    byId("key").hidden = false;
    say(reason === "api_key_refused" ? "This API key is wrong." : "", reason === "api_key_refused");
    byId("key").elements.key.focus();
    return;
  }
  say(error.problem || error.message.endsWith(".") ? sentence(error.message) : "The server cannot be reached.", true);
}

const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (text.endsWith(".") ? "" : ".");

function say(text, isBad = false) {
  byId("status").textContent = text;
  byId("status").classList.toggle("bad", isBad);
}

// ------------------------------------------------------------------ drawing

function svg(name, attributes, ...inside) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...inside);
  return made;
}

function cell(name, ...inside) {
  const made = document.createElement(name);
  if (name === "th") made.scope = "row";
  made.append(...inside);
  return made;
}

function bar(kind, share) {
  return svg("svg", { class: "bar", viewBox: "0 0 100 10", preserveAspectRatio: "none", "aria-hidden": "true" },
    svg("rect", { class: "track", width: 100, height: 10, rx: 1 }),
    svg("rect", { class: kind, width: Math.max(0, Math.min(1, share)) * 100, height: 10, rx: 1 }));
}

const share = (part, whole) => (whole ? part / whole : 0);

function fill(id, rows) {
  const table = byId(id);
  table.tBodies[0].replaceChildren(...rows.map((cells) => {
    const row = document.createElement("tr");
    row.append(...cells);
    return row;
  }));
  const none = table.parentElement.querySelector(".none");
  if (none) {
    table.hidden = !rows.length;
    none.hidden = Boolean(rows.length);
  }
}

function draw() {
  const { sessions, converted, days, steps } = summary;
  say(sessions ? "" : "No sessions in this range.");
  byId("figures").hidden = !sessions;
  if (!sessions) return;
  byId("sessions").textContent = number.format(sessions);
  byId("converted").textContent = number.format(converted);
  byId("rate").textContent = percent.format(share(converted, sessions));
  byId("daily").textContent = number.format(Math.round(sessions / days.length));
  day = days.length - 1;
  drawDays();
  fill("days-table", days.map((each) => [cell("th", dayName.format(new Date(each.day))), cell("td", number.format(each.sessions)), cell("td", number.format(each.converted))]));
  fill("steps", steps.map((each) => [cell("th", `${each.step} or further`), cell("td", number.format(each.sessions)), cell("td", percent.format(share(each.sessions, sessions))), cell("td", bar("all", share(each.sessions, sessions)))]));
  fill("campaigns", summary.campaigns.map(group));
  fill("sources", summary.sources.map(group));
  const asOf = summary.as_of ? ` as of ${summary.as_of[1].slice(0, 16).replace("T", " ")} UTC` : "";
  byId("fine").textContent = summary.complete
    ? `Complete${asOf}: ${several(summary.requests, "request")}. Days are those of UTC.`
    : `Not proven complete${asOf}: ${summary.detail || summary.reason}.`;
  byId("fine").classList.toggle("bad", !summary.complete);
  say(`${several(sessions, "session")}, ${number.format(converted)} of them converted.`);
}

function group(each) {
  const name = each.name === null ? cell("th", "without") : cell("th", each.name);
  if (each.name === null) name.className = "absent";
  const rate = cell("td", percent.format(share(each.converted, each.sessions)), bar("won", share(each.converted, each.sessions)));
  rate.className = "rate";
  return [name, cell("td", number.format(each.sessions)), cell("td", number.format(each.converted)), rate];
}

// The largest round number of lines that a person would choose for a scale.
function ticks(most) {
  const rough = Math.max(1, most / 4);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((times) => times * power).find((each) => each >= rough);
  return Array.from({ length: Math.floor(most / step) + 1 }, (_, n) => n * step);
}

function drawDays() {
  const { days } = summary;
  const chart = byId("days");
  const width = Math.max(280, chart.clientWidth), height = 220, left = 40, foot = 24, top = 12;
  const most = Math.max(...days.map((each) => each.sessions), 1);
  const slot = (width - left) / days.length, thick = slot > 4 ? slot * 0.75 : slot;
  const x = (n) => left + n * slot + (slot - thick) / 2;
  const y = (count) => top + (height - foot - top) * (1 - count / most);
  const parts = ticks(most).flatMap((count) => [
    svg("line", { x1: left, x2: width, y1: y(count), y2: y(count) }),
    svg("text", { x: left - 8, y: y(count) + 4, "text-anchor": "end" }, number.format(count)),
  ]);
  parts.push(svg("rect", { class: "here", x: left + day * slot, y: top, width: slot, height: height - foot - top }));
  days.forEach((each, n) => {
    for (const [kind, count] of [["all", each.sessions], ["won", each.converted]]) {
      if (count) parts.push(svg("rect", { class: kind, x: x(n), y: y(count), width: thick, height: y(0) - y(count), rx: Math.min(2, thick / 3) }));
    }
  });
  const every = Math.max(1, Math.ceil(days.length / Math.floor((width - left) / 70)));
  for (let n = 0; n < days.length; n += every) {
    parts.push(svg("text", { x: Math.min(x(n), width - 44), y: height - 6 }, shortDay.format(new Date(days[n].day))));
  }
  chart.replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${height}`, "aria-hidden": "true" }, ...parts));
  const here = days[day];
  const said = `${dayName.format(new Date(here.day))}: ${several(here.sessions, "session")}, ${number.format(here.converted)} converted`;
  chart.setAttribute("aria-valuemax", days.length);
  chart.setAttribute("aria-valuenow", day + 1);
  chart.setAttribute("aria-valuetext", said);
  byId("day").textContent = said;
}

function goTo(n) {
  if (!summary || !summary.days.length) return;
  day = Math.max(0, Math.min(summary.days.length - 1, n));
  drawDays();
}

byId("days").addEventListener("keydown", (event) => {
  const target = { ArrowLeft: day - 1, ArrowDown: day - 1, ArrowRight: day + 1, ArrowUp: day + 1, PageUp: day + 7, PageDown: day - 7, Home: 0, End: Infinity }[event.key];
  if (target === undefined) return;
  event.preventDefault();
  goTo(target);
});
byId("days").addEventListener("pointermove", (event) => {
  const box = byId("days").getBoundingClientRect();
  goTo(Math.floor(((event.clientX - box.left - 40) / (box.width - 40)) * summary.days.length));
});
addEventListener("resize", () => summary && summary.days.length && drawDays());

// ------------------------------------------------------------------ beginning

const inDays = (back) => new Date(Date.now() - back * 86400e3).toISOString().slice(0, 10);
if (!query.get("start")) query.set("start", inDays(MONTH));
if (!query.get("end")) query.set("end", inDays(0));
for (const name of ["start", "end"]) byId("range").elements[name].value = query.get(name).slice(0, 10);
byId("range").addEventListener("submit", (event) => {
  event.preventDefault();
  for (const name of ["start", "end"]) query.set(name, byId("range").elements[name].value);
  history.replaceState(null, "", `?${query}`);
  start();
});
byId("key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", byId("key").elements.key.value);
  byId("key").elements.key.value = "";
  start();
});
fetch("healthz").then((answer) => answer.json()).then(({ provider }) => {
  byId("provider").textContent = `of ${provider}`;
  document.title = `Sessions of ${provider}`;
}).catch(() => {});
start();
