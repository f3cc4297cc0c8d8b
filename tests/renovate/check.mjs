// Has Renovate itself extract the images of the reference spec with the preset, and write other versions: `.ci/renovate GEN`.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { GlobalConfig } from "renovate/dist/config/global.js";
import { init } from "renovate/dist/logger/index.js";
import { applyPackageRules } from "renovate/dist/util/package-rules/index.js";
import { extractPackageFile } from "renovate/dist/modules/manager/index.js";
import { doAutoReplace } from "renovate/dist/workers/repository/update/branch/auto-replace.js";

const [gen] = process.argv.slice(2);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../..");
const preset = JSON.parse(readFileSync(join(root, "default.json"), "utf8"));
const [manager, ...ofTerraform] = preset.customManagers;
const spec = "spec/stack.toml";

const reference = (dep) =>
  dep.depName + (dep.currentValue ? `:${dep.currentValue}` : "") + (dep.currentDigest ? `@${dep.currentDigest}` : "");

/** What Renovate's command line reads of the repository. */
function extracted() {
  const { $schema, description, ...config } = preset;
  const folder = mkdtempSync(join(tmpdir(), "renovate-"));
  const file = join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ ...config, onboarding: false, requireConfig: "optional" }));
  const log = execFileSync(
    process.execPath,
    [join(here, "node_modules/renovate/dist/renovate.js"), "--platform=local", "--dry-run=extract"],
    {
      cwd: root,
      encoding: "utf8",
      env: { PATH: process.env.PATH, HOME: folder, LOG_FORMAT: "json", LOG_LEVEL: "debug", RENOVATE_CONFIG_FILE: file },
      maxBuffer: 1 << 28,
    },
  );
  rmSync(folder, { recursive: true });
  const lines = log.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => JSON.parse(line)).find((line) => line.packageFiles).packageFiles;
}

await init();
const found = Object.entries(extracted()).flatMap(([name, files]) =>
  files.flatMap(({ packageFile, deps }) => deps.map((dep) => ({ ...dep, manager: name, packageFile }))),
);
const outputs = found.filter((dep) => /(^|\/)(generated|terraform)\//.test(dep.packageFile));
assert(outputs.length > 0);
for (const dep of found) {
  const { enabled } = await applyPackageRules({ ...dep, enabled: true, packageRules: preset.packageRules });
  assert.equal(enabled === false, outputs.includes(dep), `${dep.manager} and ${dep.packageFile}`);
}
const deps = found.filter((dep) => dep.packageFile === spec && dep.datasource === "docker");
const versions = found.filter((dep) => dep.packageFile === spec && dep.datasource !== "docker");
const images = readdirSync(join(root, "generated")).flatMap((profile) =>
  JSON.parse(execFileSync(gen, ["list", "images", "--profile", profile, "--format", "json"], { cwd: root })).images,
);
const pulled = images.filter((image) => !image.built && !image.reference.includes("$")).map((image) => image.reference);
assert.deepEqual([...new Set(deps.map(reference))].sort(), [...new Set(pulled)].sort());
console.log(`renovate: ${outputs.length} dependencies of outputs are left alone`);
console.log(`renovate: ${deps.length} images of ${spec}: ${deps.map(reference).join(", ")}`);

const folder = mkdtempSync(join(tmpdir(), "renovate-"));
mkdirSync(join(folder, "spec"));
GlobalConfig.set({ localDir: folder });

const reference_spec = readFileSync(join(root, spec), "utf8");
const written = (name) => new RegExp(`^${name} = "(.+)"$`, "m").exec(reference_spec)[1];
assert.deepEqual(Object.fromEntries(versions.map((dep) => [dep.depName, dep.currentValue])), {
  "hashicorp/aws": written("aws_version"),
  "hashicorp/terraform": written("terraform_version"),
});
for (const manager of ofTerraform) {
  const [dep] = (await extractPackageFile("jsonata", reference_spec, spec, manager)).deps;
  const upgrade = { ...manager, ...dep, manager: "jsonata", packageFile: spec, depIndex: 0, newValue: ">= 7.0.0" };
  const text = await doAutoReplace(upgrade, reference_spec, false);
  assert.equal(text, reference_spec.replace(`"${dep.currentValue}"`, '">= 7.0.0"'));
}
console.log(`renovate: ${versions.map((dep) => `${dep.depName} ${dep.currentValue}`).join(", ")}`);

/** What Renovate writes if each image has another version, and what it reads of that. */
async function updated(text) {
  const before = (await extractPackageFile("jsonata", text, spec, manager)).deps;
  const wanted = before.map((dep) => ({
    ...dep,
    ...(dep.currentValue && { newValue: `${dep.currentValue}9` }),
    ...(dep.currentDigest && { newDigest: `sha256:${"b".repeat(64)}` }),
  }));
  for (const [depIndex, dep] of wanted.entries()) {
    const upgrade = { ...manager, ...dep, manager: "jsonata", packageFile: spec, depIndex, baseDeps: before };
    text = await doAutoReplace(upgrade, text, false);
  }
  const after = (await extractPackageFile("jsonata", text, spec, manager)).deps.map(reference);
  const expected = wanted.map((dep) => ({ ...dep, currentValue: dep.newValue, currentDigest: dep.newDigest }));
  assert.deepEqual(after, expected.map(reference));
  return text;
}

const lines = (await updated(reference_spec)).split("\n");
const changed = reference_spec.split("\n").filter((line, index) => line !== lines[index]);
assert.equal(changed.length, deps.length);

const digest = (letter) => `@sha256:${letter.repeat(64)}`;
const forms = (version, letter) => `[images]
web = "nginx:1.29${version}"
same.ref = "localhost:5000/shop/nginx:1.29${version}${digest(letter)}"
built = { ref = "shop:dev", build = { context = "." } }
[services.cache]
image = "redis:7${version}"
[services.web]
image = "web"
[services.pinned]
image = "redis${digest(letter)}"
[services.built]
image = "shop/api:1.0"
build = "./api"
[services.chosen]
image = "ghcr.io/shop/api:\${TAG:-1}"
[profiles.live.services.built]
image = "shop/api:1.0"
build.context = "./api"
[profiles.live.images]
web = "nginx:1.29${version}"
[profiles.live.services.cache]
image = "redis:7${version}"
`;
assert.equal(await updated(forms("", "a")), forms("9", "b"));
rmSync(folder, { recursive: true });
console.log("renovate: each image replaced, and nothing else");
