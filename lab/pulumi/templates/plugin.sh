#!/bin/sh
# Made by the lab: a Pulumi plugin in Python (lab/plugins).
exec @command@ "$@"
