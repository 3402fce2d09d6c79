// A day or an hour of one stream: what is stored and why the rest is not, where the player is, click to play from there.
import {bytesText, clockText, dayText, minuteText, nextDay, reasonText, spanText, startOfDay, startOfHour} from './format.js';
import {exportUrl, listCoverage, serverNow} from './api.js';

const byId = (id) => document.getElementById(id);

const kHourMs = 3_600_000;

// What the bar shows at a time.
const kScales = {
  day: {
    name: 'day', other: 'hour', startOf: startOfDay, turn: nextDay, stepMs: 60_000, pageMs: kHourMs, marks: [0, 6, 12, 18, 24],
    text: dayText, mark: (from, hour) => [hour / 24, `${String(hour).padStart(2, '0')}:00`],
  },
  hour: {
    name: 'hour', other: 'day', startOf: startOfHour, turn: (from, hours) => from + hours * kHourMs, stepMs: 5000, pageMs: 300_000,
    marks: [0, 15, 30, 45, 60], text: (from) => `${dayText(from)}, ${minuteText(from)}`,
    mark: (from, minute) => [minute / 60, minuteText(from + minute * 60_000)],
  },
};

// Spans this close are one line of the list, and a hole this short is none; the bar shows them apart.
const kListJoinMs = 10_000;

export class Timeline {
  constructor(onPick) {
    this.onPick = onPick;
    this.stream = null;
    this.scale = kScales.day;
    this.from = startOfDay(Date.now());
    this.following = true;  // the present, until somebody turns to another time
    this.#forget();
    this.loads = 0;
    this.bar = byId('timeline');
    byId('earlier').onclick = () => this.#turn(-1);
    byId('later').onclick = () => this.#turn(1);
    byId('scale').onclick = () => this.#look(kScales[this.scale.other], this.#inSight());
    this.bar.addEventListener('pointermove', (event) => this.#hover(event));
    this.bar.addEventListener('pointerleave', () => { byId('hover').hidden = true; });
    this.bar.addEventListener('click', (event) => this.#pick(this.#timeAt(event)));
    this.bar.addEventListener('keydown', (event) => this.#key(event));
  }

  // Begins with the hour while there is nothing older (oldestMs may be NaN: nothing at all), because of so little one sees nothing in a day.
  show(stream, oldestMs) {
    this.stream = stream;
    this.cursorMs = null;
    this.scale = oldestMs < startOfHour(serverNow()) ? kScales.day : kScales.hour;
    this.following = true;
    this.from = this.scale.startOf(serverNow());
    this.#forget();
    this.#draw();
    return this.refresh();
  }

  async refresh() {
    if (this.stream === null) return;
    if (this.following) this.from = this.scale.startOf(serverNow());
    const mine = ++this.loads;
    const from = this.from;
    const end = this.#end();
    const coverage = await listCoverage(this.stream, from, end).catch((error) => {
      if (error.status === 404) return [];
      throw error;
    });
    if (mine !== this.loads) return;  // another stream or time was chosen meanwhile
    this.ranges = coverage.filter((range) => range.stored);
    this.holes = coverage.filter((range) => !range.stored);
    this.#draw();
  }

  get empty() { return this.ranges.length === 0; }

  // Where the player is; null hides the cursor.
  showCursor(ms) {
    const cursor = byId('cursor');
    const share = ms === null ? -1 : this.#share(ms);
    cursor.hidden = share < 0 || share > 1;
    cursor.style.left = `${share * 100}%`;
    if (!cursor.hidden) {
      this.bar.setAttribute('aria-valuenow', Math.round((ms - this.from) / 1000));
      this.bar.setAttribute('aria-valuetext', clockText(ms));
      this.cursorMs = ms;
    }
  }

  #forget() {
    this.ranges = [];  // what is stored
    this.holes = [];   // what is missing in between, each with its reason
  }

  #end() { return this.scale.turn(this.from, 1); }
  #length() { return this.#end() - this.from; }
  #share(ms) { return (ms - this.from) / this.#length(); }

  // What the other scale should show, too: the player if it is here, else the newest picture.
  #inSight() {
    const share = this.#share(this.cursorMs ?? 0);
    return share >= 0 && share < 1 ? this.cursorMs : (this.ranges.at(-1)?.start ?? this.from);
  }

  #timeAt(event) {
    const box = this.bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.from + share * this.#length();
  }

  #turn(steps) { this.#look(this.scale, this.scale.turn(this.from, steps)); }

  #look(scale, ms) {
    this.scale = scale;
    this.from = scale.startOf(ms);
    this.following = this.from === scale.startOf(serverNow());
    this.#forget();
    this.#draw();
    this.refresh().catch(() => {});
  }

  // The nearest stored time: a finger is wider than a minute.
  #pick(ms) {
    let best = null;
    for (const {start, end} of this.ranges) {
      const nearest = Math.min(Math.max(ms, start), Math.max(start, end - 1000));
      if (best === null || Math.abs(nearest - ms) < Math.abs(best - ms)) best = nearest;
    }
    if (best !== null) this.onPick(best);
  }

  #key(event) {
    const {stepMs, pageMs} = this.scale;
    const step = {ArrowLeft: -stepMs, ArrowRight: stepMs, PageDown: -pageMs, PageUp: pageMs}[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.#pick((this.cursorMs ?? serverNow()) + step);
  }

  #hover(event) {
    const hover = byId('hover');
    const ms = this.#timeAt(event);
    hover.hidden = false;
    const hole = this.holes.find(({start, end}) => ms >= start && ms < end);
    hover.textContent = hole ? `${clockText(ms)} · missing: ${reasonText(hole.reason)}` : clockText(ms);
    // Centred above the pointer, as far as the bar has room for it.
    const half = hover.offsetWidth / 2;
    const width = this.bar.clientWidth;
    hover.style.left = `${Math.max(half, Math.min(width - half, this.#share(ms) * width))}px`;
  }

  #draw() {
    byId('shown').textContent = this.scale.text(this.from);
    byId('scale').textContent = `Show the ${this.scale.other}`;
    byId('earlier').setAttribute('aria-label', `The ${this.scale.name} before`);
    byId('later').setAttribute('aria-label', `The ${this.scale.name} after`);
    byId('later').disabled = this.#end() > serverNow();
    this.bar.setAttribute('aria-valuemax', Math.round(this.#length() / 1000));
    // Holes first: a span is never too short to be seen.
    byId('spans').replaceChildren(...this.holes.map((hole) => this.#span('b', hole)), ...this.ranges.map((range) => this.#span('i', range)));
    byId('marks').replaceChildren(...this.scale.marks.map((number) => {
      const [share, text] = this.scale.mark(this.from, number);
      const mark = document.createElement('span');
      mark.textContent = text;
      mark.style.left = `${share * 100}%`;
      return mark;
    }));
    this.#drawList();
  }

  #span(kind, {start, end, reason}) {
    const span = document.createElement(kind);
    span.style.left = `${this.#share(start) * 100}%`;
    span.style.width = `${((end - start) / this.#length()) * 100}%`;
    if (reason) span.dataset.reason = reason;
    return span;
  }

  #drawList() {
    const joined = [];
    for (const range of this.ranges) {
      const last = joined.at(-1);
      if (last && range.start - last.end < kListJoinMs) {
        last.end = range.end;
        last.bytes += range.bytes;
      } else {
        joined.push({...range});
      }
    }
    joined.push(...this.holes.filter(({start, end}) => end - start >= kListJoinMs));
    joined.sort((a, b) => b.start - a.start);
    const lines = joined.map((range) => (range.stored ? this.#line(range) : this.#holeLine(range)));
    if (lines.length === 0) {
      const none = document.createElement('li');
      none.className = 'none';
      none.textContent = `Nothing is stored of this ${this.scale.name}.`;
      lines.push(none);
    }
    byId('ranges').replaceChildren(...lines);
  }

  #holeLine({start, end, reason, open}) {
    const line = document.createElement('li');
    line.className = 'hole';
    const until = open ? 'now' : clockText(end);
    line.textContent = `${clockText(start)} – ${until} · ${spanText(end - start)} missing: ${reasonText(reason)}`;
    return line;
  }

  #line({start, end, bytes}) {
    const line = document.createElement('li');
    const play = document.createElement('button');
    const when = document.createElement('span');
    when.className = 'when';
    when.textContent = `${clockText(start)} – ${clockText(end)}`;
    const size = document.createElement('span');
    size.className = 'size';
    size.textContent = `${spanText(end - start)} · ${bytesText(bytes)}`;
    play.append(when, size);
    play.onclick = () => this.onPick(start);
    const save = document.createElement('a');
    save.href = exportUrl(this.stream, Math.floor(start), Math.ceil(end));
    save.textContent = 'Save as .mp4';
    save.download = '';
    line.append(play, save);
    return line;
  }
}
