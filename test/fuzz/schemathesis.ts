/** Schemathesis (PyPI), in a virtual environment outside of the sources, where there is Python. */
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'

const version = '4.32.5'
const folder = join(Bun.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'parley', `schemathesis-${version}`)
const whole = join(folder, 'whole')

/** Debian keeps part of venv in a package of its own. A folder that is not whole is made anew. */
const install = `
command -v python3 >/dev/null || { echo "there is no python3" >&2; exit 1; }
venv() { python3 -m venv --clear "${folder}"; }
debian() { [ "$(id -u)" = 0 ] && apt-get update -qq && apt-get install -qq -y --no-install-recommends python3-venv; }
venv || { debian && venv; } || exit 1
"${folder}/bin/pip" install --quiet --disable-pip-version-check --retries 1 --timeout 15 schemathesis==${version} &&
touch "${whole}"
`

/** Its path, installed first where it is missing; or why it cannot be had. */
export async function schemathesis(): Promise<{ program: string } | { missing: string }> {
  if (!existsSync(whole)) {
    const child = Bun.spawn(['sh', '-c', install], {
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: 300_000,
    })
    const said = await Promise.all([child.stdout.text(), child.stderr.text()])
    if ((await child.exited) !== 0) return { missing: said.join('').trim().split('\n').at(-1)! }
  }
  return { program: join(folder, 'bin/schemathesis') }
}
