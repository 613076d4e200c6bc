# PowerShell completion for banger; "banger __complete" knows the answers.

Register-ArgumentCompleter -Native -CommandName banger -ScriptBlock {
	param($word, $ast, $position)

	$words = @($ast.CommandElements | Select-Object -Skip 1 |
		Where-Object { $_.Extent.EndOffset -lt $position } |
		ForEach-Object { "$_" }) + @("$word")
	& "$($ast.CommandElements[0])" __complete @words 2>$null |
		ForEach-Object {
			$value, $meaning = $_ -split "`t", 2
			if (-not $meaning) { $meaning = $value }
			if ($value -notin ':path', ':dir') {
				[System.Management.Automation.CompletionResult]::new(
					$value, $value, 'ParameterValue', $meaning)
			}
		}
}
