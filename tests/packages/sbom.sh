#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
# The bill of materials of `make sbom`: CycloneDX's own schema accepts it, it has the libraries that
# dpkg-shlibdeps finds in the packaged program, and a second run makes the same bytes.

# shellcheck source=tests/lib.sh
. "$(dirname "$0")/../lib.sh"

export SOURCE_DATE_EPOCH=1700000000
bom=$BUILD/faultmap.cdx.json
release=$(dpkg-parsechangelog -l packaging/deb/changelog -S Version)

make_sbom()
{
	env -u MAKEFLAGS -u MAKELEVEL make -s "BUILD=$BUILD" "$@" sbom
}

# valid FILE: as the validator of CycloneDX says, in strict mode.
valid()
{
	(cd "$TMP/npm" && node --input-type=commonjs -e '
		const { Validation, Spec } = require("@cyclonedx/cyclonedx-library")
		const text = require("fs").readFileSync(process.argv[1], "utf8")
		new Validation.JsonStrictValidator(Spec.Version.v1dot5).validate(text).then(found => {
			if (found !== null) { console.error(JSON.stringify(found, null, 1)); process.exit(1) }
		}).catch(error => { console.error(String(error)); process.exit(2) })' "$1")
}

# names SCOPE
names()
{
	jq -r --arg scope "$1" '.components[] | select(.scope == $scope).name' "$bom" | sort -u
}

check "make sbom" make_sbom
cp "$bom" "$TMP/first"
rm -f "$bom"
make_sbom
check "again: the same bytes" cmp "$TMP/first" "$bom"
check_equal "it is of this version" "$(jq -r '.metadata.component | "\(.name) \(.version)"' "$bom")" \
	"$("$FAULTMAP" --version)"
check_equal "it says when, as SOURCE_DATE_EPOCH does" "$(jq -r .metadata.timestamp "$bom")" 2023-11-14T22:13:20Z
mkdir -p "$TMP/debian"
printf 'Source: faultmap\nPackage: faultmap\nArchitecture: any\n' >"$TMP/debian/control"
check_equal "what is required is what dpkg-shlibdeps finds" "$(names required)" \
	"$(cd "$TMP" && dpkg-shlibdeps -O --ignore-missing-info "$BUILD/faultmap" 2>/dev/null |
		sed -n 's/^shlibs:Depends=//p' | tr ',' '\n' | awk '{ print $1 }' | sort -u)"
check_equal "each has the version that is installed" \
	"$(jq -r '.components[] | select(.scope == "required") | "\(.name) \(.version)"' "$bom")" \
	"$(jq -r '.components[] | select(.scope == "required").name' "$bom" | while read -r name; do
		dpkg-query -W -f '${Package} ${Version}\n' "$name:$(dpkg --print-architecture)"
	done)"
check_equal "what is loaded when it is needed is optional" "$(names optional)" "$(dpkg -S \
	"$(realpath "$(gcc -print-file-name=libcurl.so)")" | sed 's/:.*//')"
check_contains "what made it" <(names excluded) '^bpftool$'

if [ -e "$BUILD/deb/faultmap_${release}_$(dpkg --print-architecture).deb" ]; then
	dpkg-deb --fsys-tarfile "$BUILD/deb/faultmap_${release}_$(dpkg --print-architecture).deb" |
		tar -xO ./usr/share/doc/faultmap/faultmap.cdx.json >"$TMP/packaged"
	check_equal "the package has one, of the same components" "$(jq -c .components "$TMP/packaged")" \
		"$(jq -c .components "$bom")"
fi
if [ -e "$BUILD/static/faultmap" ]; then
	check "make sbom STATIC=1" make_sbom STATIC=1 "BUILD=$BUILD/static"
	check_equal "a static build has the archives of the same libraries, and what these need" \
		"$(jq -r '.components[] | select(.scope == "required").name' "$BUILD/static/faultmap.cdx.json" |
			grep -xE 'libbpf-dev|libelf-dev|libc6-dev|libgnutls28-dev|nettle-dev' | sort -u | paste -sd ' ')" \
		"libbpf-dev libc6-dev libelf-dev libgnutls28-dev nettle-dev"
fi

if ! timeout 120 npm install --silent --no-audit --no-fund --ignore-scripts --omit=optional --prefix "$TMP/npm" \
	@cyclonedx/cyclonedx-library@6 ajv@8 ajv-formats@3 ajv-formats-draft2019@1 >"$TMP/npm.out" 2>&1; then
	skip "CycloneDX's validator takes it" "npm or its registry is not here"
	done_testing
fi
check "CycloneDX's validator takes it" valid "$bom"
for wrong in '.components[0].scope = "some"' 'del(.bomFormat)' '.metadata.timestamp = "today"' '.other = 1'; do
	jq "$wrong" "$bom" >"$TMP/wrong.json"
	check_status "one that is not is found: $wrong" 1 valid "$TMP/wrong.json"
done
done_testing
