import { Refused } from "./http";
import { ask } from "./redis";
import { sign } from "./sign";

/** So many in a window that begins with the first. */
export interface Limit {
  key: string;
  most: number;
  seconds: number;
}

/** A limit whose key doesn't say whom or what it is about: names and addresses are hashed with the app's secret. */
export const limit = (name: string, of: string[], most: number, seconds: number): Limit => ({
  key: `limit:${name}:${sign("limit", name, ...of)}`,
  most,
  seconds,
});

/** All or none are counted, so that a hundred requests at once don't pass where five may. */
const TAKE = `
local wait = 0
for i, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') >= tonumber(ARGV[2 * i - 1]) then
    wait = math.max(wait, 1, math.ceil(redis.call('PTTL', key) / 1000))
  end
end
if wait > 0 then return wait end
for i, key in ipairs(KEYS) do
  if redis.call('INCR', key) == 1 then redis.call('EXPIRE', key, ARGV[2 * i]) end
end
return 0`;

const GIVE_BACK = `
for _, key in ipairs(KEYS) do
  if tonumber(redis.call('GET', key) or '0') > 0 then redis.call('DECR', key) end
end
return 0`;

/**
 * Counts an attempt at all of these limits.
 * @throws Refused too-often, with the time to wait, when one of them is used up; nothing is counted then
 * @throws Unavailable
 */
export async function take(limits: Limit[]): Promise<void> {
  const keys = limits.map(({ key }) => key);
  const argv = limits.flatMap(({ most, seconds }) => [String(most), String(seconds)]);
  const wait = Number(await ask((redis) => redis.eval(TAKE, { keys, arguments: argv })));
  if (wait > 0) throw new Refused("too-often", "too many attempts: wait a while", {}, wait);
}

/** Takes back the last `take`, of an attempt that turned out to be none. Throws Unavailable. */
export async function giveBack(limits: Limit[]): Promise<void> {
  await ask((redis) => redis.eval(GIVE_BACK, { keys: limits.map(({ key }) => key), arguments: [] }));
}
