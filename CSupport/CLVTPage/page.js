// SPDX-License-Identifier: Apache-2.0
// Shows the live picture and draws over it what the newest event says. Text from the server is set as text only.
'use strict';
const $ = id => document.getElementById(id);
const token = new URLSearchParams(location.search).get('token');
const address = path => path + (token ? '?token=' + encodeURIComponent(token) : '');
const percent = share => (100 * share).toFixed(1) + ' %';

let plan = { colours: ['#e02020'], threshold: 0.3 };
let newest = null;      // the newest event
let arrivals = [];      // when the last ones came, for the rate
let lastArrival = 0;
const picture = $('picture'), overlay = $('overlay');
const colour = index => plan.colours[index % plan.colours.length];

function row(label, value, share, mark) {
  const item = document.createElement('li');
  if (share !== undefined) {
    const bar = document.createElement('i');
    bar.style.width = 100 * Math.max(0, Math.min(1, share)) + '%';
    item.append(bar);
  }
  if (mark) {
    const box = document.createElement('b');
    box.style.background = mark;
    item.append(box);
  }
  const name = document.createElement('span'), number = document.createElement('em');
  name.textContent = label;
  number.textContent = value;
  item.append(name, number);
  return item;
}

// In the screen's pixels, so that lines and letters are as sharp as it is.
function drawBoxes(boxes) {
  const density = window.devicePixelRatio || 1, width = picture.clientWidth, height = picture.clientHeight;
  const scale = width / picture.naturalWidth, line = 18;
  overlay.width = Math.round(width * density);
  overlay.height = Math.round(height * density);
  const context = overlay.getContext('2d');
  context.scale(density, density);
  context.lineWidth = 2;
  context.font = '14px sans-serif';
  context.textBaseline = 'top';
  // The best one last, over the others.
  for (const box of [...boxes].reverse()) {
    const text = `${box.label} ${percent(box.score)}`, textWidth = context.measureText(text).width + 8;
    const left = scale * box.x, top = scale * box.y;
    context.strokeStyle = context.fillStyle = colour(box.class);
    context.strokeRect(left, top, scale * box.width, scale * box.height);
    const x = Math.max(0, Math.min(left, width - textWidth)), y = top >= line ? top - line : top;
    context.fillRect(x, y, textWidth, line);
    const [red, green, blue] = [1, 3, 5].map(at => parseInt(colour(box.class).slice(at, at + 2), 16));
    context.fillStyle = 299 * red + 587 * green + 114 * blue > 128000 ? '#000' : '#fff';
    context.fillText(text, x + 4, y + 3);
  }
}

// COCO's packed run lengths: groups of five bits, lowest first, each from the third on a difference.
function runLengths(text) {
  const counts = [];
  for (let at = 0; at < text.length;) {
    let value = 0, shift = 0, group;
    do {
      group = text.charCodeAt(at++) - 48;
      value += (group & 31) * 2 ** shift;
      shift += 5;
    } while (group & 32 && at < text.length);
    if (group & 16) value -= 2 ** shift;
    counts.push(counts.length > 2 ? value + counts[counts.length - 2] : value);
  }
  return counts;
}

function drawClasses(size, classes) {
  const [height, width] = size;
  overlay.width = width;
  overlay.height = height;
  const context = overlay.getContext('2d'), image = context.createImageData(width, height);
  const alpha = Math.round(255 * $('opacity').value), pixels = new Uint32Array(image.data.buffer);
  for (const entry of classes) {
    const rgb = parseInt(colour(entry.class).slice(1), 16);
    // The bytes of a pixel are red, green, blue, alpha; browsers run on little-endian machines.
    const value = (alpha << 24 | (rgb & 255) << 16 | (rgb & 0xff00) | rgb >> 16) >>> 0;
    let at = 0, isOfClass = false;
    for (const count of runLengths(entry.counts)) {
      const end = Math.min(at + count, width * height);
      if (isOfClass) {
        for (let i = at; i < end; i++) pixels[(i % height) * width + Math.floor(i / height)] = value;
      }
      at = end;
      isOfClass = !isOfClass;
    }
  }
  context.putImageData(image, 0, 0);
}

function show() {
  if (!newest) return;
  const rows = [];
  if (newest.top) {
    for (const one of newest.top) rows.push(row(one.label, percent(one.probability), one.probability));
  } else if (newest.boxes) {
    const least = Number($('threshold').value);
    const boxes = newest.boxes.filter(box => box.score >= least);
    for (const box of boxes) rows.push(row(box.label, percent(box.score), undefined, colour(box.class)));
    if (picture.naturalWidth) drawBoxes(boxes);
    if (!boxes.length) rows.push(row('no objects', ''));
  } else if (newest.classes) {
    const classes = [...newest.classes].sort((a, b) => b.share - a.share);
    for (const one of classes) rows.push(row(one.label, percent(one.share), one.share, colour(one.class)));
    drawClasses(newest.size, newest.classes);
  } else if (newest.outputs) {
    for (const one of newest.outputs) rows.push(row(one.name, `${one.height} × ${one.width} × ${one.channels}`));
  }
  $('results').replaceChildren(...rows);
  const rate = arrivals.length > 1 ? 1000 * (arrivals.length - 1) / (arrivals[arrivals.length - 1] - arrivals[0]) : 0;
  const milliseconds = value => value.toFixed(2) + ' ms';
  const times = [
    ['frame', newest.frame], ['frames a second', rate.toFixed(1)],
    ['age when taken', milliseconds(newest.capture_ms)], ['decoding and input', milliseconds(newest.preprocess_ms)],
    ['network', milliseconds(newest.inference_ms)], ['dropped', newest.dropped], ['damaged', newest.damaged],
  ];
  $('times').replaceChildren(...times.map(([name, value]) => {
    const line = document.createElement('tr'), head = document.createElement('th'), cell = document.createElement('td');
    head.textContent = name;
    cell.textContent = value;
    line.append(head, cell);
    return line;
  }));
}

let isAsked = false;    // one redraw a refresh of the screen, however many events come
function redraw() {
  if (isAsked) return;
  isAsked = true;
  requestAnimationFrame(() => { isAsked = false; show(); });
}

function say(text, isGone) {
  $('state').textContent = text;
  $('state').classList.toggle('gone', isGone);
}

function connect() {
  const events = new EventSource(address('events/all'));
  events.addEventListener('plan', event => {
    plan = JSON.parse(event.data);
    $('model').textContent = plan.model;
    document.title = plan.model + ' – lvt';
    $('threshold-control').hidden = plan.task !== 'objects';
    $('opacity-control').hidden = plan.task !== 'pixels';
    if (!$('threshold').dataset.isSet) $('threshold').value = plan.threshold;
    $('threshold-value').textContent = Number($('threshold').value).toFixed(2);
    picture.style.imageOrientation = plan.orientation === 'ignore' ? 'none' : 'from-image';
    // Anew after each time that the server was away.
    picture.src = address('stream.mjpg');
  });
  events.addEventListener('message', event => {
    newest = JSON.parse(event.data);
    lastArrival = performance.now();
    arrivals = [...arrivals.filter(time => time > lastArrival - 3000), lastArrival];
    redraw();
  });
  events.addEventListener('error', () => say('the connection is lost; trying again', true));
}

setInterval(() => {
  if (!newest) return;
  const seconds = (performance.now() - lastArrival) / 1000;
  if (seconds > 2) say(`no frame for ${seconds.toFixed(0)} s`, true);
  else say('live', false);
}, 500);
$('threshold').addEventListener('input', () => {
  $('threshold').dataset.isSet = 'yes';
  $('threshold-value').textContent = Number($('threshold').value).toFixed(2);
  redraw();
});
$('opacity').addEventListener('input', redraw);
for (const link of document.querySelectorAll('a[data-path]')) link.href = address(link.dataset.path);
connect();
