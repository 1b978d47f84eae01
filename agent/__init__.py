"""`codeb-agent`: the only code of the project that runs on a host.

One JSON document in, one out; the standard library only; no daemon. Decisions are pure (`machine`,
`bundle_plan`, `diagnosis`), effects go through the narrow ports of `ports`, real ones are in `real`.
"""
