// Numbers and times in the words of the page. Hours run from 0 to 23 everywhere: times stand under each other and on a scale.

const timeOfDay = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23'});
const hourAndMinute = new Intl.DateTimeFormat(undefined, {hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
const dayAndMonth = new Intl.DateTimeFormat(undefined, {weekday: 'short', day: 'numeric', month: 'short', year: 'numeric'});

export const clockText = (ms) => timeOfDay.format(new Date(ms));
export const minuteText = (ms) => hourAndMinute.format(new Date(ms));
export const dayText = (ms) => dayAndMonth.format(new Date(ms));

export function bytesText(bytes) {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  while (bytes >= 999.5 && unit + 1 < units.length) {
    bytes /= 1000;
    ++unit;
  }
  return `${unit > 0 && bytes < 10 ? bytes.toFixed(1) : Math.round(bytes)} ${units[unit]}`;
}

export function rateText(bitsPerSecond) {
  if (!bitsPerSecond) return '–';
  if (bitsPerSecond < 1e6) return `${Math.round(bitsPerSecond / 1e3)} kbit/s`;
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

export function spanText(ms) {
  const seconds = Math.round(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// Why something is missing: "camera-lost" for people. What has expired was there; something older is held.
export const reasonText = (reason) => (reason === 'expired' ? 'expired, no longer kept' : reason.replaceAll('-', ' '));

// Local midnight of the day that contains the time; days with a clock change have 23 or 25 hours.
export function startOfDay(ms) {
  const day = new Date(ms);
  day.setHours(0, 0, 0, 0);
  return day.getTime();
}

// By the local clock: there are zones of half and quarter hours.
export function startOfHour(ms) {
  const hour = new Date(ms);
  hour.setMinutes(0, 0, 0);
  return hour.getTime();
}

export function nextDay(dayMs, days) {
  const day = new Date(dayMs);
  day.setDate(day.getDate() + days);
  return day.getTime();
}
