// Numbers as people read them.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { maximumFractionDigits: 1 });

// short has three digits, about.
function short(n) {
  return n < 9.95 ? tenth.format(n) : whole.format(n);
}

export function count(n) {
  return n >= 1e9
    ? (n / 1e9).toFixed(2) + " G"
    : n >= 1e6
      ? (n / 1e6).toFixed(2) + " M"
      : whole.format(n);
}

export function rate(n) {
  return n > 0 && n < 0.05 ? "< 0.1" : n >= 1e5 ? whole.format(n / 1e3) + " k" : short(n);
}

const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];

export function bytes(n) {
  let unit = 0;
  while (n >= 1000 && unit < units.length - 1) {
    n /= 1024;
    unit++;
  }
  return (unit === 0 ? whole.format(n) : short(n)) + " " + units[unit];
}

export const byteRate = (n) => bytes(n) + "/s";

// percent never rounds up to 100 %, or down to 0 %.
export function percent(part) {
  if (part > 0 && part < 0.001) {
    return "< 0.1 %";
  }
  return (part < 1 ? Math.min(Math.round(part * 1000) / 10, 99.9) : 100).toString() + " %";
}

// latency is a duration of a response. Up to a millisecond isn't told apart.
export function latency(seconds) {
  if (seconds === null) {
    return "–";
  }
  if (seconds < 0.001) {
    return "< 1 ms";
  }
  if (seconds === Infinity) {
    return "> 5 min";
  }
  return seconds < 1 ? short(seconds * 1000) + " ms" : short(seconds) + " s";
}

// span is how long something lasts, in its two largest units.
export function span(seconds) {
  const s = Math.max(0, Math.floor(seconds));
  const parts = [
    [Math.floor(s / 86400), "d"],
    [Math.floor(s / 3600) % 24, "h"],
    [Math.floor(s / 60) % 60, "min"],
    [s % 60, "s"],
  ];
  const first = parts.findIndex(([n]) => n > 0);
  if (first < 0) {
    return "0 s";
  }
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => n + " " + unit)
    .join(" ");
}

// ago is how long ago a time was, for one clock and another.
export function ago(time, now) {
  const seconds = (Date.parse(now) - Date.parse(time)) / 1000;
  return seconds < 2 ? "just now" : span(seconds).split(" ").slice(0, 2).join(" ") + " ago";
}

export const plural = (n, one, many = one + "s") => count(n) + " " + (n === 1 ? one : many);
