$ wasme init gate --language swift
wrote gate to gate:
  .gitignore
  Package.swift
  README.md
  Sources/Gate/Gate.swift
  Sources/Gate/main.swift
  Tests/GateTests/GateTests.swift
  config.schema.json
  tests.yaml
  wasme.yaml
  Packages/ (the SDK)
next: wasme build gate -t gate:v1
$ cd gate
