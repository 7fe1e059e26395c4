#!/bin/sh
# Installs the Chromium of Debian or Ubuntu, which the tests of the page run in. Needs the rights of root.
set -eu
apt-get update
apt-get install --yes --no-install-recommends chromium
