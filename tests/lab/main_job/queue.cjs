const net = require('net');
const { REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_USERNAME, REDIS_PASSWORD } = process.env;
const [mode, queue] = process.argv.slice(1);
const socket = net.connect(Number(REDIS_PORT), REDIS_HOST);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, Math.max(ms, 0)));
const waiting = [];
let text = '';

function fail(error) {
  console.error(String(error));
  process.exit(1);
}

function reply(from) {
  const end = text.indexOf('\r\n', from);
  if (end < 0) return null;
  const kind = text[from];
  const line = text.slice(from + 1, end);
  if (kind === '-') fail(line);
  if (kind === '$' && Number(line) >= 0) {
    const last = end + 2 + Number(line);
    return text.length < last + 2 ? null : [text.slice(end + 2, last), last + 2];
  }
  if (kind !== '*') return [kind === '$' ? null : line, end + 2];
  const found = [];
  let at = end + 2;
  for (let left = Number(line); left > 0; left -= 1) {
    const item = reply(at);
    if (!item) return null;
    found.push(item[0]);
    at = item[1];
  }
  return [found, at];
}

socket.on('error', fail);
socket.on('close', fail);
socket.on('data', (data) => {
  text += data;
  for (let next = text && reply(0); next; next = text && reply(0)) {
    text = text.slice(next[1]);
    waiting.shift()(next[0]);
  }
});

function ask(...words) {
  const bulk = words.map((word) => `$${word.length}\r\n${word}\r\n`).join('');
  socket.write(`*${words.length}\r\n${bulk}`);
  return new Promise((resolve) => { waiting.push(resolve); });
}

async function work() {
  let over = false;
  process.on('SIGTERM', () => { over = true; });
  const mine = `${queue}:doing:${require('os').hostname()}`;
  if (Number(await ask('INCR', `${queue}:alive`)) > 1) await ask('INCR', `${queue}:together`);
  while (!over) {
    const job = await ask('BLMOVE', `${queue}:jobs`, mine, 'LEFT', 'RIGHT', '1');
    if (typeof job !== 'string') continue;
    await sleep(2);
    await ask('MULTI');
    await ask('HINCRBY', `${queue}:done`, job, '1');
    await ask('LREM', mine, '1', job);
    await ask('EXEC');
  }
  await ask('DECR', `${queue}:alive`);
  process.exit(0);
}

async function fill() {
  const start = Date.now();
  let made = 0;
  while (!(await ask('GET', `${queue}:stop`))) {
    made += 1;
    await ask('RPUSH', `${queue}:jobs`, String(made));
    await ask('SET', `${queue}:made`, String(made));
    await sleep(start + made * 20 - Date.now());
  }
  process.exit(0);
}

async function tell() {
  const counts = await ask('HVALS', `${queue}:done`);
  const found = {
    made: Number(await ask('GET', `${queue}:made`)),
    left: Number(await ask('LLEN', `${queue}:jobs`)),
    done: counts.length,
    twice: counts.filter((count) => count !== '1').length,
    together: Number(await ask('GET', `${queue}:together`)),
    alive: Number(await ask('GET', `${queue}:alive`)),
  };
  console.log(JSON.stringify(found));
  process.exit(0);
}

async function stop() {
  console.log(await ask('SET', `${queue}:stop`, '1'));
  process.exit(0);
}

ask('AUTH', REDIS_USERNAME, REDIS_PASSWORD)
  .then(() => ask('SELECT', REDIS_DB))
  .then({ work, fill, tell, stop }[mode])
  .catch(fail);
