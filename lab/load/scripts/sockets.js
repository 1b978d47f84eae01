// WebSockets that stay open as long as they are let, and come again when they were closed. Each says something once a
// second and wants it back. What happens to each is a line in the samples.
import exec from "k6/execution";
import { Counter } from "k6/metrics";
import { WebSocket } from "k6/websockets";

const { HOST, ADDRESS, COUNT, DURATION } = __ENV;
const SILENT_MS = 5_000;
const events = new Counter("live");

export const options = {
  hosts: { [HOST]: ADDRESS },
  systemTags: [],
  scenarios: {
    sockets: { executor: "constant-vus", vus: Number(COUNT), duration: DURATION, gracefulStop: "0s" },
  },
};

export default function () {
  const id = `${exec.vu.idInTest}-${exec.vu.iterationInInstance}`;
  const note = (event, more) => events.add(1, { event, socket: id, ...more });
  const socket = new WebSocket(`wss://${HOST}/api/live`);
  let sent = 0;
  let heard = 0;
  let pulse;
  note("connect", {});
  const beat = () => {
    if (sent > 0 && Date.now() - heard > SILENT_MS) note("silent", {});
    sent += 1;
    socket.send(`${id} ${sent}`);
  };
  const hello = (text) => {
    const { version, colour, hostname } = JSON.parse(text);
    note("open", { version, colour, instance: hostname });
    pulse = setInterval(beat, 1_000);
  };
  // The app says by itself who it is, but k6 1.8 loses a message that it reads before it has told us of the opening.
  socket.onopen = () => socket.send("who");
  socket.onmessage = ({ data }) => {
    const greeting = data.startsWith("{");
    if (greeting && !pulse) hello(data);
    else if (!greeting && !data.startsWith(`${id} `)) note("wrong", {});
    heard = Date.now();
  };
  socket.onerror = ({ error }) => note("error", { cause: String(error).slice(0, 80).replace(/[^\w :.-]/g, "_") });
  socket.onclose = ({ code }) => {
    clearInterval(pulse);
    note("close", { code: String(code) });
    setTimeout(() => {}, 200); // what is not there is asked for five times a second, not as fast as it goes
  };
}
