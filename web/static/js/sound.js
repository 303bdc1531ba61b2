// Sound, off until it is switched on: one tone for a fill, a low double one for what is critical.
import { newest, oldest, store, subscribe } from "./store.js";

const KEY = "quarterhour.sound";
let audio = null;
let lastFill = null;
let lastAlarm = null;

function kept() {
  try {
    return localStorage.getItem(KEY) === "on";
  } catch {
    return false;
  }
}

export const sound = { on: kept() };

function tone(pitch, start, length) {
  const gain = audio.createGain();
  gain.gain.setValueAtTime(0.08, audio.currentTime + start);
  gain.gain.exponentialRampToValueAtTime(0.0001, audio.currentTime + start + length);
  const wave = audio.createOscillator();
  wave.frequency.value = pitch;
  wave.connect(gain).connect(audio.destination);
  wave.start(audio.currentTime + start);
  wave.stop(audio.currentTime + start + length);
}

export function switchSound() {
  sound.on = !sound.on;
  try {
    localStorage.setItem(KEY, sound.on ? "on" : "off");
  } catch {
    // Not kept where storage is forbidden.
  }
  if (sound.on) {
    audio ??= new AudioContext();
    audio.resume();
    tone(880, 0, 0.12);
  }
}

/** Listen for fills and critical alerts; what was there before is not sounded. */
export function listen() {
  subscribe(() => {
    const fill = oldest(store.state.trade_execution).at(-1)?.fill_id ?? "";
    const alarm = newest(store.state.alert).find((row) => row.level === "critical")?.id ?? "";
    const [newFill, newAlarm] = [lastFill !== null && fill !== lastFill, lastAlarm !== null && alarm !== lastAlarm];
    [lastFill, lastAlarm] = [fill, alarm];
    if (!sound.on || !(newFill || newAlarm)) return;
    audio ??= new AudioContext();
    if (newAlarm) {
      tone(220, 0, 0.25);
      tone(180, 0.3, 0.35);
    } else tone(880, 0, 0.1);
  });
}
