// A day of one stream: what is stored, where the player is, click to play from there.
import {bytesText, clockText, dayText, nextDay, spanText, startOfDay} from './format.js';
import {exportUrl, listRanges, serverNow} from './api.js';

const byId = (id) => document.getElementById(id);

// Spans this close are one line of the list; the bar shows them apart.
const kListJoinMs = 10_000;

export class Timeline {
  constructor(onPick) {
    this.onPick = onPick;
    this.stream = null;
    this.day = startOfDay(Date.now());
    this.ranges = [];
    this.loads = 0;
    this.bar = byId('timeline');
    byId('day-before').onclick = () => this.#turn(-1);
    byId('day-after').onclick = () => this.#turn(1);
    this.bar.addEventListener('pointermove', (event) => this.#hover(event));
    this.bar.addEventListener('pointerleave', () => { byId('hover').hidden = true; });
    this.bar.addEventListener('click', (event) => this.#pick(this.#timeAt(event)));
    this.bar.addEventListener('keydown', (event) => this.#key(event));
  }

  show(stream) {
    this.stream = stream;
    this.day = startOfDay(serverNow());
    this.ranges = [];
    this.#draw();
    return this.refresh();
  }

  async refresh() {
    if (this.stream === null) return;
    const mine = ++this.loads;
    const end = nextDay(this.day, 1);
    const ranges = await listRanges(this.stream, this.day, end).catch((error) => {
      if (error.status === 404) return [];
      throw error;
    });
    if (mine !== this.loads) return;  // another stream or day was chosen meanwhile
    this.ranges = ranges.map((range) => ({...range, start: Math.max(range.start, this.day), end: Math.min(range.end, end)}));
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
      this.bar.setAttribute('aria-valuenow', Math.round((ms - this.day) / 1000));
      this.bar.setAttribute('aria-valuetext', clockText(ms));
      this.cursorMs = ms;
    }
  }

  #length() { return nextDay(this.day, 1) - this.day; }
  #share(ms) { return (ms - this.day) / this.#length(); }

  #timeAt(event) {
    const box = this.bar.getBoundingClientRect();
    const share = Math.min(1, Math.max(0, (event.clientX - box.left) / box.width));
    return this.day + share * this.#length();
  }

  #turn(days) {
    this.day = nextDay(this.day, days);
    this.ranges = [];
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
    const step = {ArrowLeft: -60_000, ArrowRight: 60_000, PageDown: -3_600_000, PageUp: 3_600_000}[event.key];
    if (step === undefined) return;
    event.preventDefault();
    this.#pick((this.cursorMs ?? serverNow()) + step);
  }

  #hover(event) {
    const hover = byId('hover');
    const ms = this.#timeAt(event);
    hover.hidden = false;
    hover.textContent = clockText(ms);
    hover.style.left = `${this.#share(ms) * 100}%`;
  }

  #draw() {
    byId('day').textContent = dayText(this.day);
    byId('day-after').disabled = nextDay(this.day, 1) > serverNow();
    byId('spans').replaceChildren(...this.ranges.map(({start, end}) => {
      const span = document.createElement('i');
      span.style.left = `${this.#share(start) * 100}%`;
      span.style.width = `${((end - start) / this.#length()) * 100}%`;
      return span;
    }));
    const hours = [0, 6, 12, 18, 24].map((hour) => {
      const mark = document.createElement('span');
      mark.textContent = `${String(hour).padStart(2, '0')}:00`;
      mark.style.left = `${(hour / 24) * 100}%`;
      return mark;
    });
    byId('hours').replaceChildren(...hours);
    this.#drawList();
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
    const lines = joined.reverse().map((range) => this.#line(range));
    if (lines.length === 0) {
      const none = document.createElement('li');
      none.className = 'none';
      none.textContent = 'Nothing is stored of this day.';
      lines.push(none);
    }
    byId('ranges').replaceChildren(...lines);
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
    save.textContent = 'Save as .mkv';
    save.download = '';
    line.append(play, save);
    return line;
  }
}
