/** Numbers, sizes and times in the page's language. */

import { language, t } from "../pentimento.js";

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** 1234 -> "1,234". */
export const showCount = (count) => new Intl.NumberFormat(language()).format(count);

/** "1,234 pictures". */
export const countPictures = (count) => (count === 1 ? t("history.count.one") : t("history.count", { n: showCount(count) }));

/** Bytes in the largest unit that leaves at least 1: "3.2 GiB". */
export function showBytes(bytes) {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** power;
  const digits = power < 2 || amount >= 100 ? 0 : 1;
  return `${new Intl.NumberFormat(language(), { maximumFractionDigits: digits }).format(amount)} ${UNITS[power]}`;
}

/** Seconds since the epoch -> day and time of day. */
export function showTime(seconds) {
  return new Intl.DateTimeFormat(language(), { dateStyle: "medium", timeStyle: "short" }).format(new Date(seconds * 1000));
}

/** "2026-11-21" -> seconds since the epoch at the beginning of that day here, or of the day after; null for no day. */
export function dayStart(day, daysLater = 0) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const [year, month, date] = day.split("-").map(Number);
  return new Date(year, month - 1, date + daysLater).getTime() / 1000;
}
